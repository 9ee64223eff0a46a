//! A plan in the words of nftables.

use std::fmt;

use crate::redirect::plan::Plan;

/// The rules, to be loaded with `nft -f`. The first two lines make room: what
/// was loaded before goes in the same step in which the new table comes.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Made by `portreeve init-net`. Loading it again replaces it.\n{CLEARED}table inet portreeve {{"
        )?;
        if let Some(door) = self.outbound {
            self.outward(f, door)?;
        }
        if let Some(door) = self.otherwise {
            self.inward(f, door)?;
        }
        f.write_str("}\n")
    }
}

impl Plan {
    fn outward(&self, f: &mut fmt::Formatter<'_>, door: u16) -> fmt::Result {
        let excluded = &self.exclusions;
        writeln!(f, "\tchain outbound {{")?;
        writeln!(f, "\t\ttype nat hook output priority -100; policy accept;")?;
        rule(f, format_args!("meta l4proto != tcp accept"))?;
        rule(f, format_args!("oifname \"lo\" accept"))?;
        rule(f, format_args!("meta skuid {} accept", self.uid))?;
        for uid in &excluded.uids {
            rule(f, format_args!("meta skuid {uid} accept"))?;
        }
        for network in &excluded.networks {
            let family = if network.is_ipv6() { "ip6" } else { "ip" };
            rule(f, format_args!("{family} daddr {network} accept"))?;
        }
        for port in &excluded.outbound_ports {
            rule(f, format_args!("tcp dport {port} accept"))?;
        }
        rule(f, format_args!("meta l4proto tcp redirect to :{door}"))?;
        writeln!(f, "\t}}")
    }

    fn inward(&self, f: &mut fmt::Formatter<'_>, otherwise: u16) -> fmt::Result {
        writeln!(f, "\tchain inbound {{")?;
        writeln!(
            f,
            "\t\ttype nat hook prerouting priority -100; policy accept;"
        )?;
        rule(f, format_args!("meta l4proto != tcp accept"))?;
        rule(f, format_args!("iifname \"lo\" accept"))?;
        // What is only passed on through this machine is not ours.
        rule(f, format_args!("fib daddr type != local accept"))?;
        for port in &self.exclusions.inbound_ports {
            rule(f, format_args!("tcp dport {port} accept"))?;
        }
        for port in &self.own {
            rule(f, format_args!("tcp dport {port} accept"))?;
        }
        for (app, door) in &self.inbound {
            rule(f, format_args!("tcp dport {app} redirect to :{door}"))?;
        }
        rule(f, format_args!("meta l4proto tcp redirect to :{otherwise}"))?;
        writeln!(f, "\t}}")
    }
}

fn rule(f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>) -> fmt::Result {
    writeln!(f, "\t\t{text}")
}

/// Nothing of ours is left, whether there was anything or not.
pub(super) const CLEARED: &str = "table inet portreeve\ndelete table inet portreeve\n";

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::num::NonZeroU16;

    use proptest::prelude::*;

    use super::*;
    use crate::net::Network;
    use crate::redirect::Exclusions;
    use crate::redirect::Inward;
    use crate::redirect::PlanError;

    #[test]
    fn the_rules_are_these() {
        let exclusions = Exclusions {
            networks: vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()],
            inbound_ports: vec![port(9090)],
            outbound_ports: vec![port(25), port(587)],
            uids: vec![101],
        };
        let inward = [door(8080, "0.0.0.0:15006"), door(5432, "[::]:15432")];
        let outward = [at("127.0.0.1:15101"), at("[::1]:15101")];
        let own = [at("0.0.0.0:9901"), at("127.0.0.1:15020")];
        let plan = Plan::new(1337, &outward, &inward, &own, exclusions).unwrap();
        assert_eq!(plan.to_string(), WHOLE);
    }

    #[test]
    fn one_direction_is_redirected_alone() {
        let outward = Plan::new(0, &[at("127.0.0.1:1")], &[], &[], Exclusions::default()).unwrap();
        let text = outward.to_string();
        assert!(text.contains("chain outbound") && !text.contains("chain inbound"));
        let inward = [door(8080, "0.0.0.0:15006")];
        let inward = Plan::new(0, &[], &inward, &[], Exclusions::default()).unwrap();
        let text = inward.to_string();
        assert!(!text.contains("chain outbound") && text.contains("chain inbound"));
    }

    #[test]
    fn what_would_lead_nowhere_is_refused() {
        let open = "0.0.0.0:15006";
        let two = [door(1, open), door(1, "0.0.0.0:15007")];
        let ports = [at("127.0.0.1:1"), at("[::1]:2")];
        let refused = |outward: &[SocketAddr], inward: &[Inward]| {
            Plan::new(1, outward, inward, &[], Exclusions::default()).unwrap_err()
        };
        assert_eq!(refused(&[], &[]), PlanError::Nothing);
        assert_eq!(refused(&ports, &[]), PlanError::SeveralPorts);
        assert_eq!(refused(&[at("127.0.0.1:0")], &[]), PlanError::NoPort);
        assert_eq!(refused(&[], &[door(1, "0.0.0.0:0")]), PlanError::NoPort);
        assert_eq!(refused(&[], &two), PlanError::SharedApp { app: 1 });
        let listen = at("127.0.0.1:15006");
        let hidden = [Inward { app: None, listen }];
        assert_eq!(refused(&[], &hidden), PlanError::OnLoopback { listen });
    }

    proptest! {
        #[test]
        fn whatever_is_excluded_goes_its_way_and_all_else_does_not(
            networks in prop::collection::vec(any_network(), 0..4),
            inbound_ports in prop::collection::vec(any::<NonZeroU16>(), 0..4),
            outbound_ports in prop::collection::vec(any::<NonZeroU16>(), 0..4),
            uids in prop::collection::vec(any::<u32>(), 0..4),
            uid: u32,
            packet in (any::<u32>(), any::<SocketAddr>()),
        ) {
            let (by, to) = (packet.0, SocketAddr::new(packet.1.ip().to_canonical(), packet.1.port()));
            let exclusions = Exclusions { networks, inbound_ports, outbound_ports, uids };
            let outward = [at("127.0.0.1:15101")];
            let inward = [door(8080, "0.0.0.0:15006")];
            let plan = Plan::new(uid, &outward, &inward, &[], exclusions.clone()).unwrap();
            let text = plan.to_string();
            // Each excluded thing, and one that may or may not be.
            let ports = || exclusions.outbound_ports.iter().map(|port| (by, SocketAddr::new(to.ip(), port.get())));
            let users = || exclusions.uids.iter().chain([&uid]).map(|uid| (*uid, to));
            for (by, to) in ports().chain(users()).chain([(by, to)]) {
                let excluded = by == uid
                    || exclusions.uids.contains(&by)
                    || exclusions.networks.iter().any(|network| network.contains(to.ip()))
                    || exclusions.outbound_ports.iter().any(|port| port.get() == to.port());
                let expected = if excluded { "accept" } else { "redirect to :15101" };
                prop_assert_eq!(verdict(&text, "outbound", by, to), expected, "{} {}", by, to);
            }
            let ports = exclusions.inbound_ports.iter().map(|port| port.get());
            for port in ports.chain([to.port(), 8080, 15006]) {
                let excluded = exclusions.inbound_ports.iter().any(|other| other.get() == port);
                let expected = if excluded || port == 15006 { "accept" } else { "redirect to :15006" };
                let to = SocketAddr::new(to.ip(), port);
                prop_assert_eq!(verdict(&text, "inbound", by, to), expected, "{}", port);
            }
        }
    }

    /// What the first rule that fits says, as the kernel would read `text`.
    fn verdict(text: &str, chain: &str, uid: u32, to: SocketAddr) -> String {
        let start = format!("\tchain {chain} {{\n");
        let rules = text.split_once(&start).unwrap().1;
        let rules = rules.split_once("\t}").unwrap().0;
        for line in rules.lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (fits, rest) = match words[..] {
                ["meta", "l4proto", "tcp", ..] => (true, 3),
                ["meta", "l4proto", "!=", "tcp", ..] | ["fib", "daddr", "type", "!=", ..] => {
                    (false, 4)
                }
                ["oifname" | "iifname", "\"lo\"", ..] => (false, 2),
                ["meta", "skuid", found, ..] => (found == uid.to_string(), 3),
                ["tcp", "dport", found, ..] => (found == to.port().to_string(), 3),
                ["ip", "daddr", found, ..] => (to.is_ipv4() && is_in(found, to), 3),
                ["ip6", "daddr", found, ..] => (to.is_ipv6() && is_in(found, to), 3),
                _ => panic!("an unknown rule: {line}"),
            };
            if fits {
                return words[rest..].join(" ");
            }
        }
        panic!("no rule fits");
    }

    fn is_in(network: &str, to: SocketAddr) -> bool {
        network.parse::<Network>().unwrap().contains(to.ip())
    }

    fn any_network() -> impl Strategy<Value = Network> {
        prop_oneof![
            any::<u8>().prop_map(|first| format!("{first}.0.0.0/8")),
            any::<u8>().prop_map(|first| format!("fd{first:02x}::/16")),
        ]
        .prop_map(|text| text.parse().unwrap())
    }

    fn port(number: u16) -> NonZeroU16 {
        NonZeroU16::new(number).unwrap()
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn door(app: u16, listen: &str) -> Inward {
        let listen = at(listen);
        let app = Some(app);
        Inward { app, listen }
    }

    const WHOLE: &str = r#"# Made by `portreeve init-net`. Loading it again replaces it.
table inet portreeve
delete table inet portreeve
table inet portreeve {
	chain outbound {
		type nat hook output priority -100; policy accept;
		meta l4proto != tcp accept
		oifname "lo" accept
		meta skuid 1337 accept
		meta skuid 101 accept
		ip daddr 10.1.0.0/16 accept
		ip6 daddr fd00::/8 accept
		tcp dport 25 accept
		tcp dport 587 accept
		meta l4proto tcp redirect to :15101
	}
	chain inbound {
		type nat hook prerouting priority -100; policy accept;
		meta l4proto != tcp accept
		iifname "lo" accept
		fib daddr type != local accept
		tcp dport 9090 accept
		tcp dport 9901 accept
		tcp dport 15006 accept
		tcp dport 15432 accept
		tcp dport 5432 redirect to :15432
		tcp dport 8080 redirect to :15006
		meta l4proto tcp redirect to :15006
	}
}
"#;
}
