//! Every client scenario of the suite, at every version of the protocol that it has it for. What does not apply stands in
//! `client.toml` with its reason, down to single checks; a listed one that passes fails here, so that the list stays true.

use anyhow::bail;
use libtest_mimic::{Failed, Trial};

use crate::judge::{judge, read};
use crate::suite::Suite;

pub(crate) fn trials(suite: &Suite) -> anyhow::Result<Vec<Trial>> {
    let mut listed = read("client.toml")?;
    let mut trials = Vec::new();
    for scenario in suite.scenarios("Client scenarios")? {
        let entry = listed.remove(&scenario.name);
        for version in scenario.versions {
            let (suite, entry, scenario) = (suite.clone(), entry.clone(), scenario.name.clone());
            let name = format!("client {version} {scenario}");
            trials.push(Trial::test(name, move || {
                let verdict = suite.run_client(&scenario, &version);
                let judged = verdict.and_then(|verdict| judge(&verdict, entry.as_ref()));
                judged.map_err(|error| Failed::from(format!("{error:#}")))
            }));
        }
    }
    if !listed.is_empty() {
        bail!(
            "client.toml lists what the suite does not have: {:?}",
            listed.keys()
        );
    }
    Ok(trials)
}
