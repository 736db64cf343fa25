//! Answers GraphQL as a server does: parses the document, follows its fragments, pages its connections, counts its cost.
//!
//! What there is to tell comes from a `Schema`; a field that it does not know is an error, as on a real server.

use std::collections::HashMap;

use graphql_parser::query::{
    Definition, Document, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
    TypeCondition, Value as Written, parse_query,
};
use serde_json::{Map, Value, json};

/// What a field is.
pub enum Resolved<O> {
    Leaf(Value),
    One(Option<O>),
    Many(Vec<Option<O>>),
    /// A connection's things, all of them.
    Connection(Vec<O>),
    /// An error of that type with its message, and null.
    Refused(&'static str, String),
    Unknown,
}

/// What there is to tell.
pub trait Schema {
    type Object;
    fn root(&self) -> Self::Object;
    fn resolve(
        &self,
        object: &Self::Object,
        field: &str,
        arguments: &Map<String, Value>,
    ) -> Resolved<Self::Object>;
    fn is_of(&self, object: &Self::Object, type_name: &str) -> bool;
}

/// What a question takes, as GitHub documents it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Connections that are followed.
    pub connections: u64,
    pub nodes: u64,
}

impl Cost {
    pub fn points(self) -> u64 {
        ((self.connections + 50) / 100).max(1)
    }
}

type Selected = SelectionSet<'static, String>;
type Asked = Field<'static, String>;
type Fragments<'a> = HashMap<&'a str, &'a FragmentDefinition<'static, String>>;

struct Execution<'a, S: Schema> {
    schema: &'a S,
    variables: &'a Map<String, Value>,
    fragments: &'a Fragments<'a>,
    errors: Vec<Value>,
}

/// The parsed question with its cost.
pub struct Question {
    document: Document<'static, String>,
    variables: Map<String, Value>,
}

impl Question {
    /// Reads a request's body.
    pub fn of(text: &str, variables: Map<String, Value>) -> Result<Self, String> {
        let document = parse_query::<String>(text).map_err(|error| error.to_string())?;
        Ok(Self {
            document: document.into_static(),
            variables,
        })
    }

    fn fragments(&self) -> Fragments<'_> {
        let found = self
            .document
            .definitions
            .iter()
            .filter_map(|definition| match definition {
                Definition::Fragment(fragment) => Some((fragment.name.as_str(), fragment)),
                Definition::Operation(_) => None,
            });
        found.collect()
    }

    fn selection(&self) -> &Selected {
        let found = self
            .document
            .definitions
            .iter()
            .find_map(|definition| match definition {
                Definition::Operation(OperationDefinition::Query(query)) => {
                    Some(&query.selection_set)
                }
                _ => None,
            });
        found.expect("a query")
    }

    pub fn cost(&self) -> Cost {
        let mut cost = Cost::default();
        self.add_cost(self.selection(), 1, &self.fragments(), &mut cost);
        cost
    }

    fn add_cost(
        &self,
        selection: &Selected,
        times: u64,
        fragments: &Fragments<'_>,
        cost: &mut Cost,
    ) {
        for item in &selection.items {
            match item {
                Selection::Field(field) => {
                    let first = arguments(field, &self.variables)
                        .get("first")
                        .and_then(Value::as_u64);
                    if let Some(first) = first {
                        cost.connections += times;
                        cost.nodes += times * first;
                    }
                    self.add_cost(
                        &field.selection_set,
                        times * first.unwrap_or(1),
                        fragments,
                        cost,
                    );
                }
                Selection::InlineFragment(inline) => {
                    self.add_cost(&inline.selection_set, times, fragments, cost)
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = fragments[spread.fragment_name.as_str()];
                    self.add_cost(&fragment.selection_set, times, fragments, cost);
                }
            }
        }
    }

    /// The answer's body.
    pub fn answer<S: Schema>(&self, schema: &S) -> Value {
        let fragments = self.fragments();
        let mut execution = Execution {
            schema,
            variables: &self.variables,
            fragments: &fragments,
            errors: Vec::new(),
        };
        let data = execution.object(&schema.root(), self.selection(), &mut Vec::new());
        if execution.errors.is_empty() {
            json!({"data": data})
        } else {
            json!({"data": data, "errors": execution.errors})
        }
    }
}

fn arguments(field: &Asked, variables: &Map<String, Value>) -> Map<String, Value> {
    let pairs = field
        .arguments
        .iter()
        .map(|(name, value)| (name.clone(), plain(value, variables)));
    pairs.collect()
}

fn plain(value: &Written<'_, String>, variables: &Map<String, Value>) -> Value {
    match value {
        Written::Variable(name) => variables.get(name).cloned().unwrap_or_default(),
        Written::Int(number) => number.as_i64().into(),
        Written::Float(number) => (*number).into(),
        Written::String(text) => text.clone().into(),
        Written::Boolean(is) => (*is).into(),
        Written::Null => Value::Null,
        Written::Enum(word) => word.clone().into(),
        Written::List(list) => list.iter().map(|value| plain(value, variables)).collect(),
        Written::Object(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), plain(value, variables)))
            .collect(),
    }
}

impl<'a, S: Schema> Execution<'a, S> {
    fn object(
        &mut self,
        object: &S::Object,
        selection: &'a Selected,
        path: &mut Vec<Value>,
    ) -> Value {
        let mut told = Map::new();
        self.select(object, selection, path, &mut told);
        Value::Object(told)
    }

    fn select(
        &mut self,
        object: &S::Object,
        selection: &'a Selected,
        path: &mut Vec<Value>,
        told: &mut Map<String, Value>,
    ) {
        for item in &selection.items {
            match item {
                Selection::Field(field) => {
                    let name = field.alias.as_ref().unwrap_or(&field.name).clone();
                    path.push(name.clone().into());
                    let value = self.field(object, field, path);
                    path.pop();
                    match (told.get_mut(&name), value) {
                        // The same field twice is one field with both selections.
                        (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
                        (_, value) => {
                            told.insert(name, value);
                        }
                    }
                }
                Selection::InlineFragment(inline) => {
                    let is_meant = match &inline.type_condition {
                        Some(TypeCondition::On(name)) => self.schema.is_of(object, name),
                        None => true,
                    };
                    if is_meant {
                        self.select(object, &inline.selection_set, path, told);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = self.fragments[spread.fragment_name.as_str()];
                    let TypeCondition::On(name) = &fragment.type_condition;
                    // Connections are answered by the field that holds them.
                    if self.schema.is_of(object, name) {
                        self.select(object, &fragment.selection_set, path, told);
                    }
                }
            }
        }
    }

    fn field(&mut self, object: &S::Object, field: &'a Asked, path: &mut Vec<Value>) -> Value {
        let arguments = arguments(field, self.variables);
        match self.schema.resolve(object, &field.name, &arguments) {
            Resolved::Leaf(value) => value,
            Resolved::One(None) => Value::Null,
            Resolved::One(Some(one)) => self.object(&one, &field.selection_set, path),
            Resolved::Many(many) => many
                .into_iter()
                .map(|one| {
                    one.map_or(Value::Null, |one| {
                        self.object(&one, &field.selection_set, path)
                    })
                })
                .collect(),
            Resolved::Connection(things) => self.connection(things, field, &arguments, path),
            Resolved::Refused(kind, message) => self.refuse(kind, message, path),
            Resolved::Unknown => {
                let message = format!("Field '{}' doesn't exist", field.name);
                self.refuse("undefinedField", message, path)
            }
        }
    }

    fn refuse(&mut self, kind: &str, message: String, path: &[Value]) -> Value {
        self.errors.push(json!({"type": kind, "path": path, "message": message, "locations": [{"line": 1, "column": 1}]}));
        Value::Null
    }

    fn connection(
        &mut self,
        things: Vec<S::Object>,
        field: &'a Asked,
        arguments: &Map<String, Value>,
        path: &mut Vec<Value>,
    ) -> Value {
        let Some(first) = arguments
            .get("first")
            .and_then(Value::as_u64)
            .filter(|first| (1..=100).contains(first))
        else {
            let message = format!(
                "You must provide a `first` value of 1 to 100 on the `{}` connection.",
                field.name
            );
            return self.refuse("MISSING_PAGINATION_BOUNDARIES", message, path);
        };
        let after = arguments.get("after").and_then(Value::as_str);
        let start = match after.map(|cursor| {
            cursor
                .strip_prefix("at ")
                .and_then(|at| at.parse::<usize>().ok())
        }) {
            None => 0,
            Some(Some(at)) => at + 1,
            Some(None) => {
                return self.refuse(
                    "INVALID_CURSOR_ARGUMENTS",
                    "That cursor is none".to_owned(),
                    path,
                );
            }
        };
        let end = things.len().min(start + first as usize);
        let mut told = Map::new();
        for item in flattened(&field.selection_set, self.fragments) {
            let name = item.alias.as_ref().unwrap_or(&item.name).clone();
            let value = match item.name.as_str() {
                "totalCount" => things.len().into(),
                "pageInfo" => {
                    json!({"hasNextPage": end < things.len(), "endCursor": (end > start).then(|| format!("at {}", end - 1))})
                }
                "nodes" => {
                    let page = things.get(start..end).unwrap_or_default();
                    page.iter()
                        .map(|one| self.object(one, &item.selection_set, path))
                        .collect()
                }
                other => self.refuse(
                    "undefinedField",
                    format!("Field '{other}' doesn't exist"),
                    path,
                ),
            };
            told.insert(name, value);
        }
        Value::Object(told)
    }
}

/// The fields of a connection, fragments followed.
fn flattened<'a>(selection: &'a Selected, fragments: &'a Fragments<'a>) -> Vec<&'a Asked> {
    let mut fields = Vec::new();
    for item in &selection.items {
        match item {
            Selection::Field(field) => fields.push(field),
            Selection::FragmentSpread(spread) => {
                fields.extend(flattened(
                    &fragments[spread.fragment_name.as_str()].selection_set,
                    fragments,
                ));
            }
            Selection::InlineFragment(inline) => {
                fields.extend(flattened(&inline.selection_set, fragments))
            }
        }
    }
    fields
}
