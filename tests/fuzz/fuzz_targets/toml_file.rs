//! What people write by hand: mappings and model files. What is wrong is said, with a place in the file.

#![no_main]

use churn_risk::Model;
use libfuzzer_sys::fuzz_target;
use replay::Mapping;

fuzz_target!(|text: &str| {
    if let Err(problem) = Mapping::parse("mapping.toml", text) {
        assert!(problem.to_string().contains("mapping.toml"));
    }
    match Model::parse("model.toml", text) {
        Ok(model) => drop((model.weights(), model.typical_spend(), model.top_tenth(), model.purchase_model())),
        Err(problem) => assert!(problem.to_string().contains("model.toml")),
    }
});
