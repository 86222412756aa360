//! Joins the issues of one server with the deals of another, as `program.js` does. Changes nothing.

use std::collections::BTreeMap;

use mcp::crm::{ListDealsArgs, ListDealsStage, list_deals};
use mcp::tracker::{ListIssuesArgs, ListIssuesIssuePriority, ListIssuesState, list_issues};
use witgate_guest::prelude::*;

#[derive(Default)]
struct Account {
    company: String,
    amount: i64,
    deals: i64,
    issues: Vec<i64>,
}

async fn run(input: Value) -> Result<Value> {
    let (issues, deals) = try_join!(
        list_issues(ListIssuesArgs {
            state: Some(ListIssuesState::Open),
            per_page: Some(10_000),
            ..Default::default()
        }),
        list_deals(ListDealsArgs {
            stage: Some(ListDealsStage::Negotiation),
            per_page: Some(10_000),
            ..Default::default()
        }),
    )?;

    let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
    for deal in deals.as_array().context("deals are a list")? {
        let company = deal["company"].as_str().context("a deal has a company")?;
        let account = accounts.entry(company.into()).or_default();
        account.company = company.into();
        account.amount += deal["amount"].as_i64().context("a deal has an amount")?;
        account.deals += 1;
    }
    for issue in issues {
        if issue.priority == ListIssuesIssuePriority::Urgent
            && let Some(account) = issue.customer.and_then(|name| accounts.get_mut(&name))
        {
            account.issues.push(issue.number);
        }
    }

    let mut at_risk: Vec<Account> = accounts
        .into_values()
        .filter(|account| !account.issues.is_empty())
        .collect();
    at_risk.sort_by(|a, b| {
        b.amount
            .cmp(&a.amount)
            .then_with(|| a.company.cmp(&b.company))
    });
    let top = input["top"].as_u64().unwrap_or(u64::MAX);
    let rows: Vec<Value> = at_risk
        .iter()
        .take(usize::try_from(top).unwrap_or(usize::MAX))
        .map(|account| {
            json!({
                "company": account.company,
                "amount": account.amount,
                "deals": account.deals,
                "issues": account.issues,
            })
        })
        .collect();
    Ok(json!({ "companies": at_risk.len(), "top": rows }))
}

program!(run);
