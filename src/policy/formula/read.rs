//! From Cedar's expressions to trees. What has no form here gives nothing.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use cedar_policy::EntityId;
use cedar_policy::EntityTypeName;
use cedar_policy::EntityUid;
use cedar_policy::pst;
use cedar_policy::pst::BinaryOp;
use cedar_policy::pst::Clause;
use cedar_policy::pst::Expr;
use cedar_policy::pst::Literal;
use cedar_policy::pst::UnaryOp;
use cedar_policy::pst::Var;
use http::HeaderName;

use crate::policy::claim::ClaimType;
use crate::policy::formula::address::Range;
use crate::policy::formula::instant;
use crate::policy::formula::number::Hand;
use crate::policy::formula::number::Number;
use crate::policy::formula::pattern::Pattern;
use crate::policy::formula::said::literal;
use crate::policy::formula::text::Text;
use crate::policy::formula::truth::Family;
use crate::policy::formula::truth::Truth;
use crate::policy::settings::Zone;
use crate::policy::signal::SignalType;
use crate::policy::signal_name::SignalName;
use crate::policy::syntax::context_path;
use crate::policy::syntax::principal_path;
use crate::policy::words::Verb;

/// What numbers stand for in trees.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct Names<'a> {
    pub(in crate::policy) headers: &'a [HeaderName],
    pub(in crate::policy) zones: &'a [(String, Zone)],
    /// Those that are declared, with their types.
    pub(in crate::policy) claims: &'a BTreeMap<String, ClaimType>,
    pub(in crate::policy) signals: &'a BTreeMap<SignalName, SignalType>,
}

impl Names<'_> {
    pub(super) fn clause(self, clause: &Clause) -> Option<Truth> {
        match clause {
            Clause::When(body) => self.truth(body),
            Clause::Unless(body) => self.truth(body).map(not),
        }
    }

    fn truth(self, expr: &Expr) -> Option<Truth> {
        match expr {
            Expr::Literal(Literal::Bool(holds)) => Some(Truth::Constant(*holds)),
            Expr::UnaryOp {
                op: UnaryOp::Not,
                expr,
            } => self.truth(expr).map(not),
            Expr::UnaryOp { op, expr } => of_source(*op, expr),
            Expr::BinaryOp { op, left, right } => self.binary(*op, left, right),
            Expr::HasAttr { expr, attrs } => {
                let attrs: Vec<&str> = attrs.iter().map(|attr| attr.as_str()).collect();
                self.has(expr, &attrs)
            }
            Expr::Like { expr, pattern } => {
                Some(Truth::Like(self.text(expr)?, Pattern::new(pattern)))
            }
            Expr::Is {
                expr,
                entity_type,
                in_expr,
            } => {
                let is = is_a(expr, entity_type)?;
                match in_expr {
                    None => Some(is),
                    Some(container) => Some(and(is, is_in(expr, container)?)),
                }
            }
            Expr::IfThenElse {
                cond,
                then_expr,
                else_expr,
            } => {
                let first = self.truth(cond)?;
                let three = (first, self.truth(then_expr)?, self.truth(else_expr)?);
                Some(Truth::If(Box::new(three)))
            }
            part => self.flag(part),
        }
    }

    fn flag(self, expr: &Expr) -> Option<Truth> {
        if principal_path(expr).is_some_and(|path| path == ["emailVerified"]) {
            return Some(Truth::EmailVerified);
        }
        self.said_to_be(ClaimType::Bool, expr).map(Truth::Said)
    }

    fn binary(self, op: BinaryOp, left: &Expr, right: &Expr) -> Option<Truth> {
        match op {
            BinaryOp::And => Some(and(self.truth(left)?, self.truth(right)?)),
            BinaryOp::Or => {
                let pair = (self.truth(left)?, self.truth(right)?);
                Some(Truth::Or(Box::new(pair)))
            }
            BinaryOp::Eq => self.same(left, right),
            BinaryOp::NotEq => self.same(left, right).map(not),
            BinaryOp::Less => self.compare(left, &[Ordering::Less], right),
            BinaryOp::LessEq => self.compare(left, &[Ordering::Less, Ordering::Equal], right),
            BinaryOp::Greater => self.compare(left, &[Ordering::Greater], right),
            BinaryOp::GreaterEq => self.compare(left, &[Ordering::Greater, Ordering::Equal], right),
            BinaryOp::In => is_in(left, right),
            BinaryOp::Contains => self.contains(left, right),
            BinaryOp::IsInRange if is_source(left) => range(right).map(Truth::FromRange),
            _ => None,
        }
    }

    fn compare(self, left: &Expr, orders: &'static [Ordering], right: &Expr) -> Option<Truth> {
        let (left, right) = (self.number(left)?, self.number(right)?);
        Some(Truth::Compare(left, orders, right))
    }

    fn same(self, left: &Expr, right: &Expr) -> Option<Truth> {
        if let Some(left) = self.text(left) {
            return Some(Truth::SameText(left, self.text(right)?));
        }
        if let Some(left) = self.number(left) {
            let right = self.number(right)?;
            return Some(Truth::Compare(left, &[Ordering::Equal], right));
        }
        match (left, right) {
            (address, other) | (other, address) if is_source(address) => {
                range(other)?.sole().map(Truth::From)
            }
            (Expr::Var(var), Expr::Literal(Literal::EntityUID(uid)))
            | (Expr::Literal(Literal::EntityUID(uid)), Expr::Var(var)) => match var {
                Var::Principal => Some(Truth::CallerIs(entity(uid)?)),
                Var::Action => Some(Truth::Action(verbs(uid, |_| false))),
                // No policy says of a resource that it is one thing and no other.
                Var::Context | Var::Resource => None,
            },
            _ => None,
        }
    }

    /// `["GET", "HEAD"].contains(context.method)`, `context.query.contains("a")`.
    fn contains(self, all: &Expr, one: &Expr) -> Option<Truth> {
        if context_path(all).is_some_and(|path| path == ["query"]) {
            return literal(one).map(|name| Truth::Query(name.into()));
        }
        if let Some(texts) = self.texts(all) {
            return literal(one).map(|text| Truth::Contains(texts, text.into()));
        }
        let Expr::Set(all) = all else { return None };
        if let Some(text) = self.text(one) {
            let texts = all.iter().map(|text| literal(text).map(Into::into));
            return Some(Truth::OneOf(text, texts.collect::<Option<_>>()?));
        }
        let number = self.number(one)?;
        let numbers = all.iter().map(|number| match &**number {
            Expr::Literal(Literal::Long(number)) => Some(*number),
            _ => None,
        });
        Some(Truth::Among(number, numbers.collect::<Option<_>>()?))
    }

    fn text(self, expr: &Expr) -> Option<Text> {
        if let Some(text) = literal(expr) {
            return Some(Text::Constant(text.into()));
        }
        if let Some(said) = self.said_to_be(ClaimType::Text, expr) {
            return Some(Text::Said(said));
        }
        if let Expr::GetAttr { expr, attr } = expr
            && matches!(**expr, Expr::Var(Var::Principal))
        {
            return of_caller(attr);
        }
        match context_path(expr)?[..] {
            ["method"] => Some(Text::Method),
            ["host"] => Some(Text::Host),
            ["path"] => Some(Text::Path),
            ["headers", name] => self.header(name),
            ["params", name] => Some(Text::Param(name.into())),
            ["tls", "group"] => Some(Text::TlsGroup),
            ["tls", "serial"] => Some(Text::TlsSerial),
            _ => None,
        }
    }

    fn header(self, name: &str) -> Option<Text> {
        let number = self.headers.iter().position(|header| header == name)?;
        Some(Text::Header(number))
    }

    fn number(self, expr: &Expr) -> Option<Number> {
        let both = |left, right| Some(Box::new((self.number(left)?, self.number(right)?)));
        match expr {
            Expr::Literal(Literal::Long(number)) => Some(Number::Constant(*number)),
            Expr::UnaryOp { op, expr } => match (op, &**expr) {
                (UnaryOp::Neg, number) => Some(Number::Minus(Box::new(self.number(number)?))),
                (UnaryOp::Datetime, Expr::Literal(Literal::String(text))) => {
                    instant::instant(text).map(Number::Constant)
                }
                (UnaryOp::Duration, Expr::Literal(Literal::String(text))) => {
                    instant::span(text).map(Number::Constant)
                }
                (UnaryOp::ToTime, now) if is_now(now) => Some(Number::TimeOfDay),
                _ => None,
            },
            Expr::BinaryOp { op, left, right } => match op {
                BinaryOp::Add | BinaryOp::Offset => both(left, right).map(Number::Sum),
                BinaryOp::Sub | BinaryOp::DurationSince => {
                    both(left, right).map(Number::Difference)
                }
                BinaryOp::Mul => both(left, right).map(Number::Product),
                _ => None,
            },
            part if principal_path(part).is_some_and(|path| path == ["authenticatedAt"]) => {
                Some(Number::SignIn)
            }
            part if let Some(said) = self.said_to_be(ClaimType::Long, part) => {
                Some(Number::Said(said))
            }
            part => match context_path(part)?[..] {
                ["now"] => Some(Number::Now),
                ["authAge"] => Some(Number::AuthAge),
                ["tls", "notBefore"] => Some(Number::NotBefore),
                ["tls", "notAfter"] => Some(Number::NotAfter),
                [zone, hand] => {
                    let number = self.zones.iter().position(|(name, _)| name == zone)?;
                    Some(Number::Clock(number, read_hand(hand)?))
                }
                _ => None,
            },
        }
    }

    /// Whether `expr` has the first of `attrs`, that the next, and so on.
    fn has(self, expr: &Expr, attrs: &[&str]) -> Option<Truth> {
        if let Some(path) = principal_path(expr) {
            return self.caller_has(&path, attrs);
        }
        let part = |of: &str, name: &str| match of {
            "headers" => self.header(name).map(Truth::Has),
            "params" => Some(Truth::Has(Text::Param(name.into()))),
            _ => None,
        };
        let signal = |name: &str| Some(Truth::IsSaid(self.signal(name)?.0));
        match (&context_path(expr)?[..], attrs) {
            (["signals"], [name]) | ([], ["signals", name]) => signal(name),
            ([of], [name]) => part(of, name),
            ([], [of, name]) => Some(and(Truth::Action(REQUESTS), part(of, name)?)),
            ([], ["method" | "host" | "path" | "query" | "headers" | "params"]) => {
                Some(Truth::Action(REQUESTS))
            }
            ([], ["tls"]) => Some(Truth::Tls),
            ([], ["authAge"]) => Some(Truth::AuthAge),
            _ => None,
        }
    }
}

impl Names<'_> {
    /// The same for what is taken out of the caller.
    fn caller_has(self, path: &[&str], attrs: &[&str]) -> Option<Truth> {
        let claim = |name: &str| Some(Truth::IsSaid(self.claim(name)?.0));
        match (path, attrs) {
            ([], ["amr" | "claims" | "emailVerified" | "roles"]) => Some(Truth::Person),
            ([], ["authenticatedAt"]) => Some(Truth::SignIn),
            ([], [attr]) => of_caller(attr).map(Truth::Has),
            ([], ["claims", name]) => Some(and(Truth::Person, claim(name)?)),
            (["claims"], [name]) => claim(name),
            _ => None,
        }
    }
}

fn of_caller(attribute: &str) -> Option<Text> {
    match attribute {
        "spiffe" => Some(Text::Spiffe),
        "trustDomain" => Some(Text::TrustDomain),
        "ns" => Some(Text::Namespace),
        "sa" => Some(Text::Account),
        "acr" => Some(Text::Acr),
        "email" => Some(Text::Email),
        _ => None,
    }
}

fn read_hand(name: &str) -> Option<Hand> {
    match name {
        "minuteOfDay" => Some(Hand::MinuteOfDay),
        "weekday" => Some(Hand::Weekday),
        "date" => Some(Hand::Date),
        _ => None,
    }
}

fn is_now(expr: &Expr) -> bool {
    context_path(expr).is_some_and(|path| path == ["now"])
}

fn is_source(expr: &Expr) -> bool {
    context_path(expr).is_some_and(|path| path == ["sourceIp"])
}

fn of_source(op: UnaryOp, expr: &Expr) -> Option<Truth> {
    let family = match op {
        UnaryOp::IsIPv4 => Family::V4,
        UnaryOp::IsIPV6 => Family::V6,
        _ => return None,
    };
    is_source(expr).then_some(Truth::FromFamily(family))
}

fn range(expr: &Expr) -> Option<Range> {
    match expr {
        Expr::UnaryOp {
            op: UnaryOp::Ip,
            expr,
        } => match &**expr {
            Expr::Literal(Literal::String(text)) => Range::new(text),
            _ => None,
        },
        _ => None,
    }
}

fn is_a(expr: &Expr, kind: &pst::EntityType) -> Option<Truth> {
    let kind = kind.to_string().parse().ok()?;
    match expr {
        Expr::Var(Var::Principal) => Some(Truth::CallerIsA(kind)),
        Expr::Var(Var::Resource) => Some(Truth::ResourceIsA(kind)),
        _ => None,
    }
}

fn is_in(expr: &Expr, container: &Expr) -> Option<Truth> {
    let literal = |expr: &Expr| match expr {
        Expr::Literal(Literal::EntityUID(uid)) => Some(uid.clone()),
        _ => None,
    };
    let all: Vec<pst::EntityUID> = match container {
        Expr::Set(members) => members.iter().map(|m| literal(m)).collect::<Option<_>>()?,
        one => vec![literal(one)?],
    };
    let entities = || all.iter().map(entity).collect::<Option<Box<[_]>>>();
    match expr {
        Expr::Var(Var::Principal) => Some(Truth::CallerIn(entities()?)),
        Expr::Var(Var::Resource) => Some(Truth::ResourceIn(entities()?)),
        Expr::Var(Var::Action) => {
            let bits = all
                .iter()
                .map(|uid| verbs(uid, |verb| verb.groups().contains(&uid.eid.as_str())));
            Some(Truth::Action(bits.fold(0, |all, bits| all | bits)))
        }
        _ => None,
    }
}

/// The verbs that an action names, or is a group of.
fn verbs(uid: &pst::EntityUID, is_group_of: impl Fn(Verb) -> bool) -> u16 {
    let is_named = |verb: &Verb| verb.name() == uid.eid.as_str() || is_group_of(*verb);
    let named = Verb::ALL.iter().filter(|verb| is_named(verb));
    named.fold(0, |all, verb| all | verb.bit())
}

fn entity(uid: &pst::EntityUID) -> Option<EntityUid> {
    let kind: EntityTypeName = uid.ty.to_string().parse().ok()?;
    Some(EntityUid::from_type_name_and_id(
        kind,
        EntityId::new(&uid.eid),
    ))
}

fn not(truth: Truth) -> Truth {
    Truth::Not(Box::new(truth))
}

fn and(left: Truth, right: Truth) -> Truth {
    Truth::And(Box::new((left, right)))
}

/// All that is no connection.
const REQUESTS: u16 = !Verb::Connect.bit();
