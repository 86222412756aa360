//! A table with 100 deals, each of which waits for an issue of a repository, and those issues.

use serde_json::{Value, json};

use super::chance::Chance;

const BASE: &str = "appQ7mR2xKd81LsVw";
const TABLE: &str = "Deals";
const DEALS: usize = 100;
/// Every so many deals' issue is closed.
const CLOSED: usize = 14;

const COMPANIES: [&str; 20] = [
    "Halvorsen",
    "Brightwater",
    "Kestrel",
    "Orchard",
    "Summit",
    "Ironbridge",
    "Lakeside",
    "Palisade",
    "Quarry",
    "Redwood",
    "Saltmarsh",
    "Tidewater",
    "Umber",
    "Vantage",
    "Westgate",
    "Yarrow",
    "Zephyr",
    "Cobalt",
    "Driftwood",
    "Ember",
];
const TRADES: [&str; 5] = ["Logistics", "Health", "Foods", "Energy", "Mobility"];
const STAGES: [&str; 4] = ["Qualified", "Proposal", "Negotiation", "Legal"];
const OWNERS: [&str; 5] = [
    "Dana Whitfield",
    "Marco Ruiz",
    "Priya Nair",
    "Jonas Beck",
    "Lena Hoffmann",
];
const TOPICS: [&str; 10] = [
    "SSO: group claims are ignored",
    "Export to Parquet",
    "Audit log lacks actor IP",
    "Webhooks retry without back-off",
    "Row-level security for views",
    "SCIM: deprovisioning is delayed",
    "Rate limits per workspace",
    "EU data residency",
    "Bulk import stops at 50k rows",
    "SAP connector drops decimals",
];
const LABELS: [&str; 6] = [
    "bug",
    "enhancement",
    "customer",
    "security",
    "integrations",
    "performance",
];

fn number(n: usize) -> u64 {
    2_100 + n as u64 * 7 % 1_301
}

/// The records of the table.
pub(super) fn deals(base: &str, table: &str) -> Result<Value, String> {
    if base != BASE || table != TABLE {
        return Err(format!("NOT_FOUND: {base}/{table}"));
    }
    let mut chance = Chance(100);
    let records: Vec<Value> = (0..DEALS)
        .map(|n| {
            let company = COMPANIES.get(n % 20).copied().unwrap_or("");
            let trade = TRADES.get(n / 20).copied().unwrap_or("");
            json!({
                "id": format!("rec{:05}Xq{:04}Tz{:03}", n * 613 % 99_991, chance.below(10_000), chance.below(1_000)),
                "fields": {
                    "Deal": format!("{company} {trade}"),
                    "Stage": chance.of(&STAGES),
                    "Amount": 12_000 + 500 * chance.below(400),
                    "Owner": chance.of(&OWNERS),
                    "Close date": format!("2027-{:02}-{:02}", 1 + chance.below(6), 1 + chance.below(28)),
                    "Blocking issue": number(n),
                },
            })
        })
        .collect();
    Ok(json!({ "records": records }))
}

/// An issue, with the fields that the real server passes on.
pub(super) fn issue(owner: &str, repository: &str, wanted: u64) -> Result<Value, String> {
    let found = (0..DEALS).find(|n| number(*n) == wanted);
    let (Some(n), "acme", "platform") = (found, owner, repository) else {
        return Err("Not Found: Resource not found: Not Found".to_owned());
    };
    let mut chance = Chance(wanted);
    let api = format!("https://api.github.com/repos/{owner}/{repository}");
    let page = format!("https://github.com/{owner}/{repository}");
    let topic = TOPICS.get(n % 10).copied().unwrap_or("");
    let is_closed = n % CLOSED == 5;
    let label = |name: &str, id: usize| json!({ "id": 6_100_000_000_u64 + id as u64, "node_id": format!("LA_kwDOLx{id:06}"), "url": format!("{api}/labels/{name}"), "name": name, "color": "d73a4a", "default": false, "description": "" });
    let (first, second) = (chance.of(&LABELS), chance.below(900));
    let updated = format!(
        "2026-11-{:02}T{:02}:41:07Z",
        1 + chance.below(22),
        chance.below(24)
    );
    Ok(json!({
        "url": format!("{api}/issues/{wanted}"),
        "repository_url": api,
        "labels_url": format!("{api}/issues/{wanted}/labels{{/name}}"),
        "comments_url": format!("{api}/issues/{wanted}/comments"),
        "events_url": format!("{api}/issues/{wanted}/events"),
        "html_url": format!("{page}/issues/{wanted}"),
        "id": 2_780_000_000_u64 + wanted,
        "node_id": format!("I_kwDOLxQ8fs6l{wanted}"),
        "number": wanted,
        "title": format!("{topic} ({})", COMPANIES.get(n % 20).copied().unwrap_or("")),
        "user": person(&mut chance),
        "labels": [label(first, second), label("customer", 7)],
        "state": if is_closed { "closed" } else { "open" },
        "locked": false,
        "assignee": person(&mut chance),
        "assignees": [person(&mut chance)],
        "milestone": null,
        "comments": chance.below(20),
        "created_at": format!("2026-{:02}-{:02}T08:12:55Z", 1 + chance.below(10), 1 + chance.below(28)),
        "updated_at": updated,
        "closed_at": if is_closed { json!(updated) } else { Value::Null },
        "body": format!(
            "### What happens\n{topic}. The customer saw it {} times since the last release, always in workspaces with more than {} members.\n\n### What should happen\nIt works as the documentation says, or fails with an error that names the cause.\n\n### Notes\nA work-around is to split the workspace, which they do not want. They asked for a date before they sign.",
            2 + chance.below(30),
            50 * (1 + chance.below(20)),
        ),
    }))
}

fn person(chance: &mut Chance) -> Value {
    let login = chance.of(&["dwhitfield", "mruiz-acme", "priyan", "jbeck", "lhoffmann"]);
    let id = 1_204_000 + chance.below(90_000);
    json!({
        "login": login,
        "id": id,
        "node_id": format!("U_kgDO{id:06}"),
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"),
        "url": format!("https://api.github.com/users/{login}"),
        "html_url": format!("https://github.com/{login}"),
        "type": "User",
    })
}
