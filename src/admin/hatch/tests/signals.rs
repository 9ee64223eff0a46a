//! What is said of callers for a while.

use super::*;

async fn set(
    client: &mut OperationsClient<Channel>,
    [name, value, of]: [&str; 3],
    for_s: u64,
) -> Result<(), (Code, String)> {
    let request = rpc::SetSignalRequest {
        name: name.to_owned(),
        value: value.to_owned(),
        of: of.to_owned(),
        for_s,
    };
    match client.set_signal(request).await {
        Ok(_) => Ok(()),
        Err(status) => Err((status.code(), status.message().to_owned())),
    }
}

async fn clear(client: &mut OperationsClient<Channel>, name: &str, of: &str) -> Code {
    let request = rpc::ClearSignalRequest {
        name: name.to_owned(),
        of: of.to_owned(),
    };
    let cleared = client.clear_signal(request).await;
    cleared.map_or_else(|status| status.code(), |_| Code::Ok)
}

#[tokio::test]
async fn a_signal_is_said_of_whom_and_as_what_it_can_be_and_recorded() {
    let house = House::build().await;
    house
        .ask(async |mut client| {
            let good = ["risk", "-7", "corp/alice"];
            for seconds in [0, 7 * 86_400 + 1, u64::MAX] {
                let refused = set(&mut client, good, seconds).await.unwrap_err();
                assert_eq!(refused.0, Code::InvalidArgument);
                assert!(refused.1.contains("1 second to 7 days"), "{}", refused.1);
            }
            for (said, why) in [
                (["riks", "7", "corp/alice"], "`riks` is not declared"),
                (["risk", "high", "corp/alice"], "it must be a whole number"),
                (["risk", "7", "alice"], "is neither a SPIFFE ID nor"),
            ] {
                let refused = set(&mut client, said, 60).await.unwrap_err();
                assert_eq!(refused.0, Code::InvalidArgument);
                assert!(refused.1.contains(why), "{}", refused.1);
            }
            assert!(house.said.pushed().is_empty());
            assert_eq!(set(&mut client, good, 7 * 86_400).await, Ok(()));
            let told = client.list_signals(rpc::ListSignalsRequest {}).await;
            let one = told.unwrap().into_inner().message().await.unwrap().unwrap();
            assert_eq!([one.name, one.value, one.of], good);
            assert!(one.until_s > 0);
            assert_eq!(clear(&mut client, "risk", "corp/alice").await, Code::Ok);
            let again = clear(&mut client, "risk", "corp/alice").await;
            assert_eq!(again, Code::NotFound);
            let nobody = clear(&mut client, "risk", "alice").await;
            assert_eq!(nobody, Code::InvalidArgument);
        })
        .await;
    let records = house.records();
    let permitted: Vec<&Value> = records
        .iter()
        .filter(|one| one["decision"] == "permit")
        .collect();
    assert_eq!(records.len(), 10);
    assert_eq!(permitted.len(), 2);
    assert_eq!(permitted[0]["event"], "signal_set");
    assert_eq!(permitted[0]["of"], "corp/alice");
    assert_eq!(permitted[0]["value"], "-7");
    assert_eq!(permitted[0]["for_s"], "604800");
    assert_eq!(permitted[1]["event"], "signal_clear");
    for one in &records {
        assert!(one["operator"].as_str().unwrap().starts_with("uid:"));
    }
}

#[tokio::test]
async fn another_user_says_nothing() {
    let house = House::build().await;
    let orders = house.orders();
    let own = geteuid().as_raw();
    let by = |uid| Operator { pid: None, uid };
    let refused = orders.set_signal(by(own + 1), "corp/alice", ("risk", "7"), 60);
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    assert!(house.said.pushed().is_empty());
    orders
        .set_signal(by(own), "corp/alice", ("risk", "7"), 60)
        .unwrap();
    let refused = orders.clear_signal(by(own + 1), "corp/alice", "risk");
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let refused = orders.pushed(by(own + 1));
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(orders.pushed(by(own)).unwrap().len(), 1);
}
