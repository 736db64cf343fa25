use std::fmt::Write;
use std::io::Cursor;

use arrow_array::{Array, BooleanArray, Float64Array, StringArray, TimestampNanosecondArray};
use arrow_ipc::reader::FileReader;
use chrono::{DateTime, Utc};
use insta::assert_snapshot;

use super::*;
use crate::app::Answered;
use crate::dora::{
    Answer, Column, Measure, NumberColumn, Numbers, Period, Point, Series, Table, Values,
};
use crate::model::{
    Bucket, GroupKey, Kind, Metric, Notice, Question, Statistic, Text, TimeRange, Unit,
};

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn answered(kind: Kind, answer: Answer) -> Answered {
    Answered {
        question: Question {
            group_by: vec![GroupKey::Application],
            bucket: Bucket::Day,
            ..Question::of(kind)
        },
        range: TimeRange::new(at("2026-03-02T00:00:00Z"), at("2026-03-04T00:00:00Z")),
        answer,
        notices: Vec::new(),
        explained: "p50 of change lead time by application a day".to_owned(),
    }
}

fn measure(value: impl Into<Option<f64>>, n: u64) -> Measure {
    Measure {
        value: value.into(),
        n,
        covered_ratio: 0.5,
        linked_ratio: (n > 0).then_some(1.0),
    }
}

fn point(start: &str, value: impl Into<Option<f64>>, n: u64) -> Point {
    Point {
        start: at(start),
        measure: measure(value, n),
        partial: false,
        provisional: false,
    }
}

fn series(application: Option<&str>, period: Period, points: Vec<Point>) -> Series {
    Series {
        group: vec![(GroupKey::Application, application.map(Text::from))],
        period,
        points,
    }
}

fn lead_time(series: Vec<Series>) -> Answer {
    Answer::Series {
        metric: Metric::ChangeLeadTime,
        statistic: Statistic::P50,
        series,
        notices: Vec::new(),
    }
}

/// What a reader of Arrow files finds, a line a thing.
fn read_back(frame: &Frame) -> String {
    let mut reader = FileReader::try_new(Cursor::new(frame.to_ipc()), None).unwrap();
    let schema = reader.schema();
    let batch = reader
        .next()
        .expect("one batch, whatever it holds")
        .unwrap();
    assert!(reader.next().is_none(), "one batch and no more");
    let metadata = schema.metadata();
    let mut text = format!("{} [{}]\n", metadata["name"], metadata["refId"]);
    for (key, value) in serde_json::from_str::<serde_json::Map<_, _>>(&metadata["meta"]).unwrap() {
        writeln!(text, "{key}: {value}").unwrap();
    }
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        let nullable = if field.is_nullable() { "?" } else { "" };
        write!(
            text,
            "{}: {}{nullable} {}",
            field.name(),
            field.data_type(),
            cells(column)
        )
        .unwrap();
        for key in ["labels", "config"] {
            if let Some(value) = field.metadata().get(key) {
                write!(text, "\n  {key} {value}").unwrap();
            }
        }
        text.push('\n');
    }
    text
}

fn cells(column: &dyn Array) -> String {
    let any = column.as_any();
    if let Some(values) = any.downcast_ref::<StringArray>() {
        format!("{:?}", values.iter().collect::<Vec<_>>())
    } else if let Some(values) = any.downcast_ref::<Float64Array>() {
        format!("{:?}", values.iter().collect::<Vec<_>>())
    } else if let Some(values) = any.downcast_ref::<TimestampNanosecondArray>() {
        format!("{:?}", values.iter().collect::<Vec<_>>())
    } else {
        let values = any.downcast_ref::<BooleanArray>().unwrap();
        format!("{:?}", values.iter().collect::<Vec<_>>())
    }
}

#[test]
fn a_series_is_a_frame_of_time_and_one_number_with_labels() {
    let mut points = vec![
        point("2026-03-02T00:00:00Z", 3600.0, 3),
        point("2026-03-03T00:00:00Z", None, 0),
    ];
    points[1].partial = true;
    points[1].provisional = true;
    let answer = lead_time(vec![series(Some("payments/shop"), Period::Current, points)]);
    let frames = frames(&answered(Kind::Metric, answer), "A");
    assert_eq!(frames.len(), 1);
    assert_snapshot!(read_back(&frames[0]), @r##"
    Change lead time [A]
    type: "timeseries-multi"
    typeVersion: [0,1]
    custom: {"kind":"metric","definition":"Time from a commit to the deployment that first delivers it. Lead time starts with the commit, before a squash or rebase where that is known. A change is a commit that is no merge.","n":[3,0],"covered":[0.5,0.5],"linked":[1.0,null],"partial":[false,true],"provisional_from":"2026-03-03T00:00:00.000Z"}
    executedQueryString: "p50 of change lead time by application a day"
    preferredVisualisationType: "graph"
    time: Timestamp(ns)? [Some(1772409600000000000), Some(1772496000000000000)]
    change_lead_time_p50: Float64? [Some(3600.0), None]
      labels {"application":"payments/shop"}
      config {"displayNameFromDS":"payments/shop","unit":"s","links":[{"title":"Show the events behind this","url":"/d/pelorus-explain?from=1772409600000&to=1772582400000&var-table=changes&var-application=payments%2Fshop"}]}
    "##);
}

#[test]
fn the_previous_period_is_told_by_a_label() {
    let points = || vec![point("2026-03-02T00:00:00Z", 60.0, 1)];
    let answer = lead_time(vec![
        series(Some("shop"), Period::Current, points()),
        series(Some("shop"), Period::Previous, points()),
        series(None, Period::Current, points()),
    ]);
    let told: Vec<_> = frames(&answered(Kind::Metric, answer), "A")
        .iter()
        .map(|frame| {
            let value = &frame.fields[1];
            let labels = value.labels.as_ref().unwrap();
            let labels: Vec<_> = labels
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let links = value.config.links.iter().map(|link| link.url.as_str());
            format!(
                "{} {{{}}} {}",
                value.config.display_name.as_ref().unwrap(),
                labels.join(","),
                links.collect::<String>(),
            )
        })
        .collect();
    assert_snapshot!(told.join("\n"), @r##"
    shop {application=shop} /d/pelorus-explain?from=1772409600000&to=1772582400000&var-table=changes&var-application=shop
    shop (previous period) {application=shop,period=previous} /d/pelorus-explain?from=1772236800000&to=1772409600000&var-table=changes&var-application=shop
    (no application) {} /d/pelorus-explain?from=1772409600000&to=1772582400000&var-table=changes
    "##);
}

#[test]
fn a_row_a_group_has_the_groups_first_and_then_the_numbers() {
    let column = |name: &str, metric, unit, is_band, values| NumberColumn {
        name: name.to_owned(),
        metric,
        unit,
        is_band,
        values,
    };
    let answer = Answer::Numbers(Numbers {
        keys: vec![GroupKey::Application],
        groups: vec![vec![Some("shop".into())], vec![None]],
        columns: vec![
            column(
                "change_fail_rate",
                Metric::ChangeFailRate,
                Unit::Ratio,
                false,
                vec![Some(0.25), None],
            ),
            column(
                "change_fail_rate_previous",
                Metric::ChangeFailRate,
                Unit::Ratio,
                false,
                vec![Some(f64::NAN), None],
            ),
            column(
                "change_fail_rate_n",
                Metric::ChangeFailRate,
                Unit::Count,
                false,
                vec![Some(4.0), Some(0.0)],
            ),
            column(
                "change_fail_rate_band",
                Metric::ChangeFailRate,
                Unit::Count,
                true,
                vec![Some(3.0), None],
            ),
        ],
        measures: vec![measure(0.25, 4), measure(None, 0)],
        notices: vec![Notice::info("an old notice")],
    });
    let mut answered = answered(Kind::Scorecard, answer);
    answered.notices = vec![
        Notice::warning("jira is missing 2 d"),
        Notice::warning("github is missing 1 h"),
        Notice::info("an old notice"),
    ];
    assert_snapshot!(read_back(&frames(&answered, "B")[0]), @r##"
    scorecard [B]
    type: "numeric-long"
    typeVersion: [0,1]
    custom: {"kind":"scorecard","definition":"The five keys, judged by the bands of 2024. Lead time starts with the commit, before a squash or rebase where that is known. A change is a commit that is no merge.","n":[4,0],"covered":[0.5,0.5],"linked":[1.0,null]}
    notices: [{"severity":"warning","text":"jira is missing 2 d · github is missing 1 h"},{"severity":"info","text":"an old notice"}]
    executedQueryString: "p50 of change lead time by application a day"
    preferredVisualisationType: "table"
    application: Utf8? [Some("shop"), None]
    change_fail_rate: Float64? [Some(0.25), None]
      config {"displayNameFromDS":"Change fail rate","description":"Share of successful deployments that evidence says failed.","unit":"percentunit","decimals":1,"links":[{"title":"Show the events behind this","url":"/d/pelorus-explain?from=1772409600000&to=1772582400000&var-table=deployments&var-application=${__data.fields.application:percentencode}"}]}
    change_fail_rate_previous: Float64? [None, None]
      config {"displayNameFromDS":"Change fail rate (previous period)","description":"Share of successful deployments that evidence says failed.","unit":"percentunit","decimals":1,"links":[{"title":"Show the events behind this","url":"/d/pelorus-explain?from=1772236800000&to=1772409600000&var-table=deployments&var-application=${__data.fields.application:percentencode}"}]}
    change_fail_rate_n: Float64? [Some(4.0), Some(0.0)]
      config {"displayNameFromDS":"Change fail rate (n)","description":"Share of successful deployments that evidence says failed.","unit":"short","links":[{"title":"Show the events behind this","url":"/d/pelorus-explain?from=1772409600000&to=1772582400000&var-table=deployments&var-application=${__data.fields.application:percentencode}"}]}
    change_fail_rate_band: Float64? [Some(3.0), None]
      config {"displayNameFromDS":"Change fail rate (band)","description":"Share of successful deployments that evidence says failed.","decimals":0,"mappings":[{"type":"value","options":{"0":{"text":"Low","color":"red","index":0},"1":{"text":"Low or medium","color":"orange","index":1},"2":{"text":"Medium","color":"yellow","index":2},"3":{"text":"Medium or high","color":"light-green","index":3},"4":{"text":"High","color":"green","index":4},"5":{"text":"High or elite","color":"light-blue","index":5},"6":{"text":"Elite","color":"blue","index":6}}}],"links":[{"title":"Show the events behind this","url":"/d/pelorus-explain?from=1772409600000&to=1772582400000&var-table=deployments&var-application=${__data.fields.application:percentencode}"}]}
    "##);
}

#[test]
fn a_table_keeps_its_columns_and_links_to_pages() {
    let text = |values: &[Option<&str>]| {
        Values::Text(values.iter().map(|value| value.map(Text::from)).collect())
    };
    let column = |name: &str, unit, values| Column {
        name: name.to_owned(),
        unit,
        values,
    };
    let answer = Answer::Table(Table {
        columns: vec![
            column(
                "finished_at",
                None,
                Values::Time(vec![Some(at("2026-03-02T10:00:00Z")), None]),
            ),
            column(
                "lead_time",
                Some(Unit::Seconds),
                Values::Number(vec![Some(90.5), None]),
            ),
            column("failed", None, Values::Flag(vec![Some(true), None])),
            column("url", None, text(&[Some("https://example.org/1"), None])),
        ],
        notices: Vec::new(),
    });
    assert_snapshot!(read_back(&frames(&answered(Kind::Events, answer), "C")[0]), @r##"
    events [C]
    type: "table"
    typeVersion: [0,1]
    custom: {"kind":"events","definition":"The changes behind the numbers."}
    executedQueryString: "p50 of change lead time by application a day"
    preferredVisualisationType: "table"
    finished_at: Timestamp(ns)? [Some(1772445600000000000), None]
    lead_time: Float64? [Some(90.5), None]
      config {"unit":"s"}
    failed: Boolean? [Some(true), None]
    url: Utf8? [Some("https://example.org/1"), None]
      config {"links":[{"title":"Open its page","url":"${__value.raw}","targetBlank":true}]}
    "##);
}

#[test]
fn no_data_is_a_typed_frame_without_fields() {
    let numbers = Answer::Numbers(Numbers {
        keys: vec![GroupKey::Application],
        groups: Vec::new(),
        columns: Vec::new(),
        measures: Vec::new(),
        notices: Vec::new(),
    });
    let empty = [
        frames(&answered(Kind::Metric, lead_time(Vec::new())), "A"),
        frames(&answered(Kind::Breakdown, numbers), "A"),
        frames(
            &answered(Kind::Values, Answer::Table(Table::default())),
            "A",
        ),
    ];
    for frames in empty {
        assert_eq!(frames.len(), 1);
        let text = read_back(&frames[0]);
        assert!(text.contains("typeVersion: [0,1]"), "{text}");
        assert!(!text.contains('?'), "no fields: {text}");
    }
}

#[test]
fn a_table_without_rows_keeps_its_columns() {
    let answer = Answer::Table(Table {
        columns: vec![Column {
            name: "text".to_owned(),
            unit: None,
            values: Values::Text(Vec::new()),
        }],
        notices: Vec::new(),
    });
    let text = read_back(&frames(&answered(Kind::Values, answer), "A")[0]);
    assert!(text.contains("text: Utf8? []"), "{text}");
}

#[test]
fn columns_of_unequal_length_are_filled_with_null() {
    let answer = Answer::Table(Table {
        columns: vec![
            Column {
                name: "a".to_owned(),
                unit: None,
                values: Values::Number(vec![Some(1.0), Some(2.0)]),
            },
            Column {
                name: "b".to_owned(),
                unit: None,
                values: Values::Flag(vec![Some(true)]),
            },
        ],
        notices: Vec::new(),
    });
    let text = read_back(&frames(&answered(Kind::Quality, answer), "A")[0]);
    assert!(text.contains("b: Boolean? [Some(true), None]"), "{text}");
}

#[test]
fn a_time_that_nanoseconds_cannot_hold_is_null() {
    let points = vec![
        point("2262-04-12T00:00:00Z", 1.0, 1),
        point("2262-04-11T00:00:00Z", 1.0, 1),
    ];
    let answer = lead_time(vec![series(Some("shop"), Period::Current, points)]);
    let text = read_back(&frames(&answered(Kind::Metric, answer), "A")[0]);
    assert!(text.contains("[None, Some(9223286400000000000)]"), "{text}");
}

#[test]
fn the_json_form_is_grafanas_own() {
    let answer = lead_time(vec![series(
        Some("shop"),
        Period::Current,
        vec![
            point("2026-03-02T00:00:00.250Z", 3600.0, 3),
            point("1969-12-31T23:59:59.999Z", None, 0),
        ],
    )]);
    let json = frames(&answered(Kind::Metric, answer), "A")[0].to_json();
    assert_eq!(
        json["data"],
        serde_json::json!({ "values": [[1_772_409_600_250_i64, -1], [3600.0, null]] })
    );
    let fields = &json["schema"]["fields"];
    assert_eq!(
        fields[0],
        serde_json::json!({ "name": "time", "type": "time", "typeInfo": { "frame": "time.Time", "nullable": true } })
    );
    assert_eq!(
        fields[1]["labels"],
        serde_json::json!({ "application": "shop" })
    );
    assert_eq!(fields[1]["config"]["unit"], "s");
    assert_eq!(json["schema"]["refId"], "A");
    assert_eq!(json["schema"]["meta"]["type"], "timeseries-multi");
}

#[test]
fn the_series_of_an_answer_form_one_table_of_comma_separated_values() {
    let answer = lead_time(vec![
        series(
            Some("a, b"),
            Period::Current,
            vec![point("2026-03-02T00:00:00Z", 60.0, 1)],
        ),
        series(
            Some("shop"),
            Period::Current,
            vec![point("2026-03-02T00:00:00Z", None, 0)],
        ),
    ]);
    assert_snapshot!(csv(&frames(&answered(Kind::Metric, answer), "A")), @r#"
    time,application,change_lead_time_p50
    2026-03-02T00:00:00.000Z,"a, b",60
    2026-03-02T00:00:00.000Z,shop,
    "#);
}

#[test]
fn a_link_names_the_data_source_once_it_is_known() {
    let answer = lead_time(vec![series(
        Some("shop"),
        Period::Current,
        vec![point("2026-03-02T00:00:00Z", 60.0, 1)],
    )]);
    let mut frame = frames(&answered(Kind::Metric, answer), "A").remove(0);
    frame.link_to_data_source("P&1");
    assert!(
        frame.fields[1].config.links[0]
            .url
            .ends_with("&var-application=shop&var-datasource=P%261")
    );
}

#[test]
fn the_columns_of_numbers_are_named_for_people() {
    let column = |name: &str, metric| NumberColumn {
        name: name.to_owned(),
        metric,
        unit: Unit::Count,
        is_band: false,
        values: vec![None],
    };
    let answer = Answer::Numbers(Numbers {
        keys: Vec::new(),
        groups: vec![Vec::new()],
        columns: vec![
            column("lead_time_coding_mean", Metric::LeadTimeCoding),
            column("lead_time_coding_mean_previous", Metric::LeadTimeCoding),
            column("quick_check_score", Metric::ChangeLeadTime),
            column("quick_check_score_previous", Metric::ChangeLeadTime),
            column("deployments_count", Metric::Deployments),
        ],
        measures: vec![Measure::default()],
        notices: Vec::new(),
    });
    let frame = frames(&answered(Kind::Scorecard, answer), "A").remove(0);
    let names: Vec<_> = frame
        .fields
        .iter()
        .map(|field| field.config.display_name.as_deref().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "Lead time: coding (mean)",
            "Lead time: coding (mean) (previous period)",
            "Quick check score",
            "Quick check score (previous period)",
            "Deployments",
        ]
    );
    assert_eq!(frame.fields[2].config.links, [], "no metric, no events");
}

#[test]
fn many_frames_are_encoded_in_their_order() {
    let points = || vec![point("2026-03-02T00:00:00Z", 60.0, 1)];
    let many = (0..101)
        .map(|number| series(Some(&number.to_string()), Period::Current, points()))
        .collect();
    let frames = frames(&answered(Kind::Metric, lead_time(many)), "A");
    let one_by_one: Vec<_> = frames.iter().map(Frame::to_ipc).collect();
    assert_eq!(encode(&frames).len(), 101);
    // A schema's metadata has no order, so that only lengths can be compared byte by byte.
    let lengths = |encoded: Vec<Vec<u8>>| encoded.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(lengths(encode(&frames)), lengths(one_by_one));
}
