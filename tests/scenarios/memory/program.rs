//! The same as `program.js`, typed.

use mcp::memory::{
    CreateEntitiesArgs, CreateEntitiesEntitiesItem, CreateRelationsArgs,
    CreateRelationsRelationsItem, OpenNodesArgs, SearchNodesArgs, create_entities,
    create_relations, open_nodes, search_nodes,
};
use witgate_guest::prelude::*;

async fn run(input: Value) -> Result<Value> {
    if input["build"] == true {
        let entities = ["Ada", "Babbage"].map(|name| CreateEntitiesEntitiesItem {
            name: name.into(),
            entity_type: "person".into(),
            observations: vec![format!("{name} counts")],
            ..Default::default()
        });
        create_entities(CreateEntitiesArgs {
            entities: entities.into(),
            ..Default::default()
        })
        .await?;
        let relation = CreateRelationsRelationsItem {
            from: "Ada".into(),
            to: "Babbage".into(),
            relation_type: "works with".into(),
            ..Default::default()
        };
        let made = create_relations(CreateRelationsArgs {
            relations: vec![relation],
            ..Default::default()
        })
        .await?;
        return Ok(json!(made));
    }
    let found = search_nodes(SearchNodesArgs {
        query: "ada".into(),
        ..Default::default()
    })
    .await?;
    let names = vec!["Ada".into(), "Babbage".into()];
    let both = open_nodes(OpenNodesArgs {
        names,
        ..Default::default()
    })
    .await?;
    let found: Vec<String> = found
        .entities
        .into_iter()
        .map(|entity| entity.name)
        .collect();
    Ok(json!({ "found": found, "relations": both.relations }))
}

program!(run);
