//! The one name of a repository, however its URL is written.

use crate::model::Repository;

/// The repository that a URL names (`https`, `ssh`, `git`, scp-like); `None` where it names no host.
///
/// Shape: `host/owner/name` in lower case, without user, password, port and `.git`, so that a clone and the
/// host's API speak of the same thing.
pub(crate) fn of_url(url: &str) -> Option<Repository> {
    let url = url.trim();
    let (host, path) = match url.split_once("://") {
        Some((scheme, rest)) => {
            if scheme.eq_ignore_ascii_case("file") {
                return None;
            }
            rest.split_once('/')?
        }
        None => scp_like(url)?,
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = without_port(host).to_lowercase();
    if host.is_empty() {
        return None;
    }
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let path = decoded(path).to_lowercase();
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let (host, path) = as_the_web_names_it(&host, path);
    (!path.is_empty()).then(|| format!("{host}/{path}").into())
}

/// The repository as somebody wrote it: a URL, or already `host/owner/name` in any case.
pub(crate) fn of_text(text: &str) -> Repository {
    if text.contains("://")
        && let Some(repository) = of_url(text)
    {
        return repository;
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) || !text.is_ascii() {
        text.to_lowercase().into()
    } else {
        text.into()
    }
}

/// `user@host:path`, as scp and Git write it; a colon after a slash, or a drive letter, makes it a local path.
fn scp_like(url: &str) -> Option<(&str, &str)> {
    let (host, path) = match url.rsplit_once("]:") {
        // An IPv6 address stands in brackets because it has colons of its own.
        Some((host, path)) => (&url[..=host.len()], path),
        None => url.split_once(':')?,
    };
    let is_drive = host.len() == 1 && host.bytes().all(|byte| byte.is_ascii_alphabetic());
    (!host.contains(['/', '\\']) && !is_drive).then_some((host, path))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') =>
        {
            name
        }
        _ => host,
    }
}

/// Some hosts spell their clone URLs otherwise than their pages and APIs.
fn as_the_web_names_it<'a>(host: &'a str, path: &str) -> (&'a str, String) {
    match host {
        "ssh.github.com" => ("github.com", path.to_owned()),
        "altssh.gitlab.com" => ("gitlab.com", path.to_owned()),
        "altssh.bitbucket.org" => ("bitbucket.org", path.to_owned()),
        "ssh.dev.azure.com" => {
            let path = path.strip_prefix("v3/").unwrap_or(path);
            ("dev.azure.com", path.to_owned())
        }
        "dev.azure.com" => (host, path.replacen("/_git/", "/", 1)),
        // Bitbucket Data Center serves clones below `/scm`.
        _ => match path.strip_prefix("scm/") {
            Some(rest) if rest.contains('/') => (host, rest.to_owned()),
            Some(_) | None => (host, path.to_owned()),
        },
    }
}

/// The text with its `%20`s resolved; a stray `%` stays.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let mut byte = [0];
        if *first == b'%' && tail.len() >= 2 && hex::decode_to_slice(&tail[..2], &mut byte).is_ok()
        {
            bytes.push(byte[0]);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(url: &str) -> String {
        of_url(url).map_or("-".to_owned(), |repository| repository.to_string())
    }

    #[test]
    fn every_spelling_of_a_url_names_the_same_repository() {
        for url in [
            "https://github.com/Acme/Shop.git",
            "https://bot:token@github.com/acme/shop",
            "ssh://git@github.com:22/acme/shop.git",
            "ssh://git@ssh.github.com:443/acme/shop.git",
            "git@github.com:acme/shop.git",
            "github.com:/acme/shop.git/",
            "git://GITHUB.com/acme/shop.git",
        ] {
            assert_eq!(named(url), "github.com/acme/shop", "{url}");
        }
    }

    #[test]
    fn hosts_with_their_own_clone_urls_are_named_as_their_pages() {
        assert_eq!(
            named("https://dev.azure.com/acme/My%20Shop/_git/api"),
            "dev.azure.com/acme/my shop/api"
        );
        assert_eq!(
            named("git@ssh.dev.azure.com:v3/acme/My%20Shop/api"),
            "dev.azure.com/acme/my shop/api"
        );
        assert_eq!(
            named("https://git.acme.example:8443/scm/ops/api.git"),
            "git.acme.example/ops/api"
        );
        assert_eq!(named("ssh://git@[::1]:7999/ops/api.git"), "[::1]/ops/api");
        assert_eq!(named("git@[::1]:ops/api.git"), "[::1]/ops/api");
    }

    #[test]
    fn a_path_names_no_host() {
        for url in [
            "/srv/git/shop.git",
            "../shop",
            "file:///srv/shop.git",
            "C:\\git\\shop",
            "C:/git/shop",
            "./a:b",
        ] {
            assert_eq!(named(url), "-", "{url}");
        }
    }

    #[test]
    fn a_written_name_is_lowered_and_a_url_shortened() {
        assert_eq!(
            of_text("GitHub.com/Acme/Shop").as_str(),
            "github.com/acme/shop"
        );
        assert_eq!(
            of_text("https://github.com/acme/shop.git").as_str(),
            "github.com/acme/shop"
        );
    }
}
