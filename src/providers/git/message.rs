//! What a commit's message says: pull requests, reverts and picks.
//!
//! Source: the messages that Git (`revert`, `cherry-pick -x`) and the hosts' merge buttons write.

/// Longest first line that is kept, in characters.
const SUBJECT_CHARACTERS: usize = 200;

/// Shortest abbreviation of a hash that is believed, in digits: Git's own default.
const SHORTEST_ABBREVIATION: usize = 7;

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said<'a> {
    /// Its first line, bounded.
    pub(super) subject: &'a str,
    /// The hashes it says it reverts, full or abbreviated, in its order.
    pub(super) reverts: Vec<&'a str>,
    /// The hash it says it was picked from: the last one, where a pick was picked again.
    pub(super) picked_from: Option<&'a str>,
    /// The pull request it brings in.
    pub(super) pull_request: Option<NamedPullRequest<'a>>,
}

/// A pull request as a message names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NamedPullRequest<'a> {
    /// Its number.
    pub(super) number: u64,
    /// The branch it came from, where the message says.
    pub(super) head_branch: Option<&'a str>,
    /// The branch it went to, where the message says.
    pub(super) base: Option<&'a str>,
    /// Its title, where the message says.
    pub(super) title: Option<&'a str>,
}

/// Reads a message.
pub(super) fn read(message: &str) -> Said<'_> {
    let message = message.trim_start_matches(['\n', '\r', ' ', '\t']);
    let (first, body) = message.split_once('\n').unwrap_or((message, ""));
    let first = first.trim_end();
    Said {
        subject: bounded(first),
        reverts: hashes_after(message, "his reverts commit").collect(),
        picked_from: hashes_after(message, "(cherry picked from commit").last(),
        pull_request: pull_request(first, body),
    }
}

fn bounded(line: &str) -> &str {
    line.char_indices()
        .nth(SUBJECT_CHARACTERS)
        .map_or(line, |(end, _)| &line[..end])
}

/// The hashes that follow the words, on the same line or, where the message was wrapped, on the next.
fn hashes_after<'a>(text: &'a str, words: &'static str) -> impl Iterator<Item = &'a str> {
    text.match_indices(words).filter_map(move |(at, _)| {
        let rest = &text[at + words.len()..];
        let hash = rest.trim_start();
        if hash.len() == rest.len() {
            return None;
        }
        let end = hash
            .find(|character: char| !character.is_ascii_hexdigit())
            .unwrap_or(hash.len());
        let goes_on = hash[end..].starts_with(|character: char| character.is_alphanumeric());
        ((SHORTEST_ABBREVIATION..=64).contains(&end) && !goes_on).then(|| &hash[..end])
    })
}

fn pull_request<'a>(first: &'a str, body: &'a str) -> Option<NamedPullRequest<'a>> {
    merge_button(first, body)
        .or_else(|| gitlab(first, body))
        .or_else(|| bitbucket(first, body))
        .or_else(|| azure(first))
        .or_else(|| trailing_number(first))
}

/// GitHub: `Merge pull request #12 from owner/branch`; Gitea: `Merge pull request 'title' (#12) from branch into main`;
/// Azure: `Merge pull request 12 from branch into main`.
fn merge_button<'a>(first: &'a str, body: &'a str) -> Option<NamedPullRequest<'a>> {
    let rest = first.strip_prefix("Merge pull request ")?;
    if let Some(quoted) = rest.strip_prefix('\'') {
        let (title, rest) = quoted.rsplit_once("' (#")?;
        let (number, rest) = leading_number(rest)?;
        let (head_branch, base) = branches(rest.strip_prefix(") from ").unwrap_or(""));
        return Some(NamedPullRequest {
            number,
            head_branch: head_branch.map(without_owner),
            base,
            title: (!title.is_empty()).then(|| bounded(title)),
        });
    }
    let is_github = rest.starts_with('#');
    let (number, rest) = leading_number(rest.trim_start_matches('#'))?;
    let (head_branch, base) = branches(rest.strip_prefix(" from ").unwrap_or(""));
    Some(NamedPullRequest {
        number,
        head_branch: if is_github {
            head_branch.map(without_owner)
        } else {
            head_branch
        },
        base,
        title: first_line(body),
    })
}

/// GitLab: `See merge request group/project!12` in the body, `Merge branch 'x' into 'main'` in the first line.
fn gitlab<'a>(first: &'a str, body: &'a str) -> Option<NamedPullRequest<'a>> {
    let line = body
        .lines()
        .find_map(|line| line.trim().strip_prefix("See merge request "))?;
    let (_, number) = line.rsplit_once('!')?;
    let (number, _) = leading_number(number)?;
    let (head_branch, base) = first
        .strip_prefix("Merge branch '")
        .and_then(|rest| rest.strip_suffix('\''))
        .and_then(|rest| rest.split_once("' into '"))
        .unzip();
    let title = first_line(body).filter(|title| !title.starts_with("See merge request "));
    Some(NamedPullRequest {
        number,
        head_branch,
        base,
        title,
    })
}

/// Cloud: `Merged in branch (pull request #12)`; Data Center: `Pull request #12: title`, with
/// `Merge in PROJECT/repository from branch to main` in the body.
fn bitbucket<'a>(first: &'a str, body: &'a str) -> Option<NamedPullRequest<'a>> {
    if let Some(rest) = first.strip_prefix("Merged in ") {
        let (branch, rest) = rest.rsplit_once(" (pull request #")?;
        let (number, _) = leading_number(rest)?;
        let title = first_line(body);
        return Some(NamedPullRequest {
            number,
            head_branch: Some(branch),
            base: None,
            title,
        });
    }
    let rest = first.strip_prefix("Pull request #")?;
    let (number, rest) = leading_number(rest)?;
    let title = rest.strip_prefix(':')?.trim();
    let (head_branch, base) = body
        .lines()
        .find_map(|line| line.strip_prefix("Merge in ")?.split_once(" from "))
        .and_then(|(_, branches)| branches.rsplit_once(" to "))
        .unzip();
    Some(NamedPullRequest {
        number,
        head_branch,
        base,
        title: Some(bounded(title)),
    })
}

/// Azure: `Merged PR 12: title`.
fn azure(first: &str) -> Option<NamedPullRequest<'_>> {
    let (number, rest) = leading_number(first.strip_prefix("Merged PR ")?)?;
    let title = rest.strip_prefix(':')?.trim();
    Some(NamedPullRequest {
        number,
        head_branch: None,
        base: None,
        title: Some(bounded(title)),
    })
}

/// A squash of GitHub or Gitea: `title (#12)`.
fn trailing_number(first: &str) -> Option<NamedPullRequest<'_>> {
    let (title, number) = first.strip_suffix(')')?.rsplit_once("(#")?;
    let (number, rest) = leading_number(number)?;
    let title = Some(bounded(title.trim_end())).filter(|title| !title.is_empty());
    rest.is_empty().then_some(NamedPullRequest {
        number,
        head_branch: None,
        base: None,
        title,
    })
}

fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    // A number that overflows is none of a pull request.
    Some((text[..end].parse().ok()?, &text[end..]))
}

fn branches(text: &str) -> (Option<&str>, Option<&str>) {
    let text = text.trim();
    match text.split_once(" into ") {
        _ if text.is_empty() => (None, None),
        Some((head, base)) => (Some(head), Some(base)),
        None => (Some(text), None),
    }
}

/// GitHub writes `owner/branch`.
fn without_owner(branch: &str) -> &str {
    branch.split_once('/').map_or(branch, |(_, branch)| branch)
}

fn first_line(body: &str) -> Option<&str> {
    body.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .map(bounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a message says of its pull request, in one line: number, head branch, base, title.
    fn named(message: &str) -> String {
        read(message).pull_request.map_or("-".to_owned(), |named| {
            format!(
                "{} {} {} {}",
                named.number,
                named.head_branch.unwrap_or("-"),
                named.base.unwrap_or("-"),
                named.title.unwrap_or("-")
            )
        })
    }

    #[test]
    fn every_hosts_merge_button_names_its_pull_request() {
        let cases = [
            (
                "Merge pull request #12 from acme/hotfix/login\n\nFix the login",
                "12 hotfix/login - Fix the login",
            ),
            ("Merge pull request #12 from acme/login", "12 login - -"),
            (
                "Merge pull request 'Fix (#3) it' (#12) from fix into main",
                "12 fix main Fix (#3) it",
            ),
            (
                "Merge pull request 12 from hotfix/a into main",
                "12 hotfix/a main -",
            ),
            (
                "Merge branch 'fix' into 'main'\n\nFix the login\n\nSee merge request acme/shop!12",
                "12 fix main Fix the login",
            ),
            (
                "Merge branch 'fix' into 'main'\n\nSee merge request !12",
                "12 fix main -",
            ),
            (
                "Merged in hotfix/a (pull request #12)\n\nFix",
                "12 hotfix/a - Fix",
            ),
            (
                "Pull request #12: Fix it\n\nMerge in OPS/shop from hotfix/a to main\n",
                "12 hotfix/a main Fix it",
            ),
            ("Merged PR 12: Fix it", "12 - - Fix it"),
            ("Fix the login (#12)", "12 - - Fix the login"),
            (
                "Revert \"Fix the login (#12)\" (#15)",
                "15 - - Revert \"Fix the login (#12)\"",
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(named(message), expected, "{message}");
        }
    }

    #[test]
    fn other_numbers_are_no_pull_request() {
        for message in [
            "Revert \"Fix the login (#12)\"",
            "Fix #12",
            "Fix (#12) and more",
            "Fix (#12a)",
            "Fix (#)",
            "Fix (#99999999999999999999999)",
            "Merge branch 'a'",
            "Merged PR about things",
            "Merge pull request from nowhere",
            "",
        ] {
            assert_eq!(named(message), "-", "{message}");
        }
    }

    #[test]
    fn reverts_are_every_hash_the_body_names() {
        let message = "Revert two\n\nThis reverts commit 7a7d7658ad4439d66e4093321f2633f022e808f6.\nThis reverts commit\nabcdef1, reversing\nchanges made to 1234567.\n";
        assert_eq!(
            read(message).reverts,
            ["7a7d7658ad4439d66e4093321f2633f022e808f6", "abcdef1"]
        );
        assert_eq!(read("x\n\nThis reverts commit abcdef.").reverts, [""; 0]);
        assert_eq!(read("x\n\nThis reverts commit abcdef1z.").reverts, [""; 0]);
        assert_eq!(read("x\n\nThis reverts commitabcdef1.").reverts, [""; 0]);
    }

    #[test]
    fn a_pick_of_a_pick_was_picked_from_the_last() {
        let message =
            "x\n\n(cherry picked from commit 1111111)\n(cherry picked from commit 2222222)";
        assert_eq!(read(message).picked_from, Some("2222222"));
    }

    #[test]
    fn the_first_line_is_bounded_by_characters() {
        let message = "ä".repeat(300);
        assert_eq!(read(&message).subject, "ä".repeat(200));
        assert_eq!(read("\n\n  Fix it \r\nbody").subject, "Fix it");
    }
}
