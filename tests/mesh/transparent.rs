//! The door for redirected connections, when somebody comes to it by himself.
//!
//! What is really redirected needs a network of its own: see `tests/interop`.

use crate::application::Application;
use crate::caller::Caller;
use crate::stage::Stage;

#[test]
fn who_dials_the_door_itself_is_reset_and_recorded() {
    let stage = Stage::new();
    stage.rule(r#"@id("all") permit (principal, action, resource);"#);
    let far = Application::start();
    let to = far.address();
    let doors = format!(
        "outbound: [{{ listen: \"127.0.0.1:0\", captures: ['0.0.0.0/0:*'], to: \"{to}\", expect: \"spiffe://mesh.example/orders\", service: orders }}]
transparent: {{ listen: \"127.0.0.1:0\" }}"
    );
    let web = stage.sidecar("web", [&doors, ""], "");
    let door = web.running.addresses().transparent[0];
    let mut caller = Caller::plain(door);
    assert!(caller.is_reset(), "an orderly end");
    let record = web.records.next();
    assert_eq!(
        record.says(["door", "decision", "reason", "caller"]),
        "outbound refused not_redirected spiffe://mesh.example/web"
    );
    web.shows(r#"portreeve_handshakes_total{door="outbound",result="not_redirected"} 1"#);
    web.says("/status", "transparent");
    far.was_not_called();

    // The same captures do not keep anybody from the door's own address.
    let mut twin = Caller::plain(web.outbound());
    twin.send("GET / HTTP/1.1\r\nhost: orders\r\n\r\n");
    drop(far.call());
    assert_eq!(twin.answer().status(), 502);
}
