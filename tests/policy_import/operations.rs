//! Hosts and ports, as Istio compares them.

use super::*;

#[test]
fn a_host_with_and_without_its_port_is_the_host() {
    for (hosts, fits) in [
        ("orders, \"orders:*\"", true),
        ("\"ORDERS:*\", Orders", true),
        ("carts, \"carts:*\"", false),
        ("carts, \"carts:*\", \"ord*\"", true),
    ] {
        for (key, fits) in [("hosts", fits), ("notHosts", !fits)] {
            let text = document(&format!(
                "  rules: [{{ to: [{{ operation: {{ {key}: [{hosts}] }} }}] }}]"
            ));
            let imported = imported(&text);
            assert_eq!(passes(&imported, &WEB), fits, "{text}{}", imported.cedar);
        }
    }
}

#[test]
fn ports_are_those_of_the_application() {
    // The application of this workload has 8080.
    for (rule, fits) in [
        ("to: [{ operation: { ports: [\"8080\"] } }]", true),
        ("to: [{ operation: { ports: [\"80\", \"8080\"] } }]", true),
        ("to: [{ operation: { ports: [\"80\"] } }]", false),
        ("to: [{ operation: { notPorts: [\"80\"] } }]", true),
        ("to: [{ operation: { notPorts: [\"8080\"] } }]", false),
        (
            "to: [{ operation: { ports: [\"8080\"], methods: [POST] } }]",
            false,
        ),
        (
            "to: [{ operation: { ports: [\"80\"], methods: [GET] } }, { operation: { methods: [POST] } }]",
            false,
        ),
        (
            "to: [{ operation: { ports: [\"80\"] } }, { operation: { methods: [GET] } }]",
            true,
        ),
        (
            "to: [{ operation: { ports: [\"8080\"] } }, { operation: { methods: [POST] } }]",
            true,
        ),
        (
            "when: [{ key: destination.port, values: [\"8080\"] }]",
            true,
        ),
        ("when: [{ key: destination.port, values: [\"80\"] }]", false),
        (
            "when: [{ key: destination.port, notValues: [\"8080\"] }]",
            false,
        ),
        (
            "when: [{ key: destination.port, notValues: [\"80\"] }]",
            true,
        ),
    ] {
        let allow = document(&format!("  rules: [{{ {rule} }}]"));
        assert_eq!(passes(&imported(&allow), &WEB), fits, "{rule}");
        let deny = document(&format!("  action: DENY\n  rules: [{{ {rule} }}]"));
        let everybody = document("  rules: [{}]").replace("name: p", "name: q");
        let both = imported(&format!("{deny}---\n{everybody}"));
        assert_eq!(passes(&both, &WEB), !fits, "{rule}\n{}", both.cedar);
        // Whoever does not say which port it is gets no translation.
        let nowhere = Target {
            port: None,
            ..target()
        };
        let refused = istio(&allow, &nowhere).unwrap_err();
        assert!(refused[0].text.contains("--port 8080"), "{refused:?}");
    }
    let deny = "  action: DENY\n  rules: [{ to: [{ operation: { ports: [\"8080\"] } }] }]";
    let deny = imported(&document(deny)).cedar;
    assert!(
        deny.contains("forbid (principal is Workload, action, "),
        "{deny}"
    );
}
