//! Ends of a login.

use super::*;

#[track_caller]
fn sent(logout: &mut Logout) -> Request<Vec<u8>> {
    match logout.poll_output() {
        Output::Send(request) => request,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn hears(answer: Result<Response<Vec<u8>>, TransportError>) -> Logout {
    let mut logout = Logout::new(&LoginConfig::new(), &old_login());
    let request = sent(&mut logout);
    let url = format!("{PASSPORT}/login/exit/v2");
    let form = [("biliCSRF", BILI_JCT)];
    assert_request(&request, &url, &[], &form, &old_cookies());
    assert_eq!(request.method(), Method::POST);
    logout.handle_response(answer);
    logout
}

#[track_caller]
fn ended(mut logout: Logout) -> Result<(), bilibili_session::Error> {
    match logout.poll_output() {
        Output::Done(result) => result,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_answer() {
    assert!(ended(hears(Ok(code(0)))).is_ok());
    assert!(ended(hears(Ok(code(-101)))).is_ok(), "it has ended");
    assert_eq!(ended(hears(Ok(code(2202)))).unwrap_err().code(), Some(2202));
    for failure in [
        Ok(html(502, "oh")),
        Ok(html(412, "oh")),
        Ok(code(-500)),
        Err(TransportError::timeout()),
    ] {
        assert!(ended(hears(failure)).is_err());
    }
}

#[test]
fn a_page_for_people_may_mean_that_it_is_dead() {
    for page in [html(200, "<html>"), html(302, "")] {
        for (second, is_over) in [
            (code(-101), true),
            (answer(&json!({"refresh": false, "timestamp": 1})), false),
            (html(200, "<html>"), false),
            (html(502, ""), false),
        ] {
            let mut logout = hears(Ok(page.clone()));
            let request = sent(&mut logout);
            assert!(request.uri().path().ends_with("/cookie/info"));
            logout.handle_response(Ok(second));
            assert_eq!(ended(logout).is_ok(), is_over);
        }
    }
}
