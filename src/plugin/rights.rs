//! Who may do what, by the role that Grafana states.

/// A role in a Grafana organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Asks questions; also every role that we do not know, `None` and none.
    Viewer,
    /// Checks, syncs and lists sources too.
    Editor,
    /// Likewise.
    Admin,
}

impl Role {
    /// The role of that name; never fails, since public dashboards and background calls have odd ones.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "Admin" => Self::Admin,
            "Editor" => Self::Editor,
            _ => Self::Viewer,
        }
    }

    /// Whether it may check and read sources, and see which there are.
    pub(super) fn may_see_sources(self) -> bool {
        match self {
            Self::Viewer => false,
            Self::Editor | Self::Admin => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_role_has_a_viewers_rights() {
        for name in ["Viewer", "None", "", "admin ", "Grafana Admin"] {
            assert!(!Role::named(name).may_see_sources(), "{name:?}");
        }
        assert!(Role::named("Editor").may_see_sources());
        assert!(Role::named("Admin").may_see_sources());
    }
}
