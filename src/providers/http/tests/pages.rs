//! Lists that go round in circles, and lists without end.

use super::*;

/// Walks from page to page by `Link` until the list ends or the walk refuses.
async fn walk(api: &Api) -> Result<usize, HttpError> {
    let mut walk = PageWalk::default();
    let mut pages = 0;
    let mut next = Some(api.url(&["items"]));
    while let Some(url) = next {
        let page = api.get_url(url).send().await?;
        walk.admit(&page)?;
        pages += 1;
        next = page.next();
    }
    Ok(pages)
}

fn page(next: Option<&str>, body: &str) -> Vec<u8> {
    let link = next.map(|next| format!("link: <{next}>; rel=\"next\"\r\n"));
    answer("200 OK", &link.unwrap_or_default(), body)
}

fn items(first: usize) -> String {
    let items: Vec<_> = (first..first + 40).collect();
    serde_json::to_string(&items).unwrap()
}

#[tokio::test]
async fn a_list_ends_where_its_links_end_also_over_an_empty_page() {
    let server = Server::saying(vec![
        page(Some("/api/items?page=2"), &items(0)),
        page(Some("/api/items?page=3"), "[]"),
        page(Some("/api/items?page=4"), "[]"),
        page(None, &items(40)),
    ])
    .await;
    assert_eq!(walk(&api(&server.url)).await.unwrap(), 4);
}

#[tokio::test]
async fn a_page_that_comes_again_is_refused() {
    let cases = [
        // The same page under other addresses.
        vec![
            page(Some("/api/items?page=2"), &items(0)),
            page(Some("/api/items?page=3"), &items(40)),
            page(Some("/api/items?page=4"), &items(0)),
        ],
        // A link that leads to itself.
        vec![
            page(Some("/api/items?page=2"), &items(0)),
            page(Some("/api/items?page=2"), &items(40)),
            page(Some("/api/items?page=2"), &items(80)),
        ],
        // Two links that lead to each other, with small pages.
        vec![
            page(Some("/api/items?page=2"), "[1]"),
            page(Some("/api/items?page=1"), "[2]"),
            page(Some("/api/items?page=2"), "[3]"),
            page(Some("/api/items?page=1"), "[4]"),
        ],
    ];
    for answers in cases {
        let most = answers.len() + 1;
        let server = Server::saying(answers).await;
        let text = told(&walk(&api(&server.url)).await.unwrap_err());
        assert!(text.contains("repeats a page"), "{text}");
        assert!(server.count() <= most, "{} pages", server.count());
    }
}

#[tokio::test]
async fn a_list_of_empty_pages_ends() {
    // Every page is empty and names another one: nothing repeats but the emptiness.
    let answers: Vec<_> = (0..200)
        .map(|number| page(Some(&format!("/api/items?page={number}")), "[]"))
        .collect();
    let server = Server::saying(answers).await;
    let text = told(&walk(&api(&server.url)).await.unwrap_err());
    assert!(
        text.contains("empty pages") || text.contains("no end"),
        "{text}"
    );
    assert!(server.count() <= 150, "{} pages", server.count());
}

#[tokio::test]
async fn a_search_that_is_posted_pages_by_its_body() {
    let server = Server::start(|number, _| Reply::Says(page(None, &items(number * 40)))).await;
    let api = api(&server.url);
    let mut walk = PageWalk::default();
    for cursor in ["", "b", "c"] {
        let page = api.post(&["graphql"]).json(&cursor).send().await.unwrap();
        walk.admit(&page).unwrap();
    }
    let again = api.post(&["graphql"]).json(&"b").send().await.unwrap();
    let text = told(&walk.admit(&again).unwrap_err());
    assert!(text.contains("repeats a page"), "{text}");
}

#[tokio::test]
async fn a_next_link_of_another_origin_gets_no_credential() {
    let other = Server::saying(vec![page(None, &items(40))]).await;
    let link = format!("{}items?page=2", other.url);
    let server = Server::saying(vec![page(Some(&link), &items(0))]).await;
    assert_eq!(walk(&api(&server.url)).await.unwrap(), 2);
    assert!(server.asked()[0].head.contains(CANARY));
    assert!(!other.asked()[0].head.contains(CANARY));
    assert_eq!(other.asked()[0].header("authorization"), None);
}

#[tokio::test]
async fn a_next_link_with_a_user_is_not_followed() {
    let server = Server::start(|_, asked| {
        let host = asked.header("host").unwrap();
        let link = format!("http://eve:canary-5f3a9d@{host}/api/items?page=2");
        Reply::Says(page(Some(&link), "[]"))
    })
    .await;
    let error = walk(&api(&server.url)).await.unwrap_err();
    let text = told(&error);
    assert!(text.contains("without user and password"), "{text}");
    assert!(!text.contains("eve"), "{text}");
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_next_link_to_a_file_or_nowhere_is_not_followed() {
    for link in ["file:///etc/passwd", "ftp://git.acme.example/x"] {
        let server = Server::saying(vec![page(Some(link), "[]")]).await;
        let error = walk(&api(&server.url)).await.unwrap_err();
        let text = crate::error::chain(&error);
        assert!(text.contains("https:// or http://"), "{text}");
    }
}
