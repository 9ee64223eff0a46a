use tokio::time::advance;

use super::*;

const SLOW: Rate = Rate {
    burst: NonZeroU32::MIN.saturating_add(1),
    period: Duration::from_secs(10),
    requests: NonZeroU32::MIN,
};

/// Nobody is ever refused for it here.
const FAST: Rate = Rate {
    burst: NonZeroU32::MAX,
    period: Duration::from_secs(1),
    requests: NonZeroU32::MAX,
};

fn at(address: &str) -> IpAddr {
    address.parse().unwrap()
}

pub(crate) fn name(provider: &str) -> ProviderName {
    provider.parse().unwrap()
}

pub(crate) fn asked(path: &'static str, source: IpAddr) -> Asked {
    Asked {
        body: Bytes::new(),
        from: From {
            authority: Authority::from_static("apps.example"),
            is_foreign: false,
            logins: Vec::new(),
            source: SocketAddr::new(source, 1),
        },
        is_form: false,
        method: Method::GET,
        program: None,
        reader: Reader::Page,
        session: None,
        target: PathAndQuery::from_static(path),
    }
}

pub(crate) fn digest() -> Digest {
    crate::session::SessionId::generate().unwrap().digest()
}

/// What becomes of a request for `path`: handed in, or why not.
fn hand_in(counter: &Counter, path: &'static str, source: IpAddr) -> Result<(), NotHeard> {
    let (answer, _nobody_waits) = oneshot::channel();
    let wish = Wish::Place(Box::new(asked(path, source)), answer);
    counter.hand_in(source, wish)
}

#[tokio::test]
async fn whoever_comes_when_all_room_is_taken_is_told_at_once() {
    let (counter, mut errands) = counter([], FAST);
    let source = at("192.0.2.1");
    let mut waiting = 0;
    while hand_in(&counter, "/.portreeve/", source).is_ok() {
        waiting += 1;
    }
    assert_eq!(waiting, 256);
    let page = counter.place(asked("/.portreeve/", source)).await;
    assert_eq!(page.err(), Some(NotHeard::Busy));
    // With room again, it is served; and told so, too, when the office closes.
    drop(errands.recv().await);
    let page = counter.place(asked("/.portreeve/", source));
    let closing = async {
        tokio::task::yield_now().await;
        drop(errands);
    };
    let (page, ()) = tokio::join!(page, closing);
    assert_eq!(page.err(), Some(NotHeard::Busy));
}

#[tokio::test(start_paused = true)]
async fn an_address_may_come_so_often_and_another_in_its_own_right() {
    let (counter, _errands) = counter([name("corp")], SLOW);
    let wait = |seconds| {
        Err(NotHeard::TooOften {
            wait: Duration::from_secs(seconds),
        })
    };
    let path = "/.portreeve/callback/corp?state=x";
    let (one, other) = (at("192.0.2.1"), at("192.0.2.2"));
    assert_eq!(hand_in(&counter, path, one), Ok(()));
    // Whatever it wants.
    assert_eq!(hand_in(&counter, "/.portreeve/sign-out", one), Ok(()));
    assert_eq!(hand_in(&counter, path, one), wait(10));
    let (answer, _nobody_waits) = oneshot::channel();
    let find = Wish::Find(digest(), answer);
    assert_eq!(counter.hand_in(one, find), wait(10));
    assert_eq!(hand_in(&counter, path, other), Ok(()));
    advance(Duration::from_secs(10)).await;
    assert_eq!(hand_in(&counter, path, one), Ok(()));
    assert_eq!(hand_in(&counter, path, one), wait(10));
}

#[tokio::test(start_paused = true)]
async fn one_line_of_ipv6_is_one_address() {
    let (counter, _errands) = counter([], SLOW);
    let path = "/.portreeve/";
    assert_eq!(hand_in(&counter, path, at("2001:db8:1:2::1")), Ok(()));
    assert_eq!(hand_in(&counter, path, at("2001:db8:1:2::2")), Ok(()));
    assert!(hand_in(&counter, path, at("2001:db8:1:2:3::4")).is_err());
    assert_eq!(hand_in(&counter, path, at("2001:db8:1:3::1")), Ok(()));
    // The same of an older address, however it is written.
    assert_eq!(hand_in(&counter, path, at("192.0.2.1")), Ok(()));
    assert_eq!(hand_in(&counter, path, at("::ffff:192.0.2.1")), Ok(()));
    assert!(hand_in(&counter, path, at("192.0.2.1")).is_err());
}

#[tokio::test(start_paused = true)]
async fn logout_tokens_are_not_lost_for_what_else_an_address_wants() {
    let (counter, _errands) = counter([name("corp")], SLOW);
    let source = at("192.0.2.1");
    while hand_in(&counter, "/.portreeve/", source).is_ok() {}
    let path = "/.portreeve/backchannel-logout/corp";
    let mut heard = 0;
    while hand_in(&counter, path, source).is_ok() {
        heard += 1;
    }
    // Nor are they without end.
    assert_eq!(heard, 40);
}
