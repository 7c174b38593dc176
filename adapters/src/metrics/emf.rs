//! CloudWatch's embedded metric format: a line of the log that becomes metrics (CloudWatch user guide,
//! `CloudWatch_Embedded_Metric_Format_Specification`).

use serde_json::{Value, json};

use super::sample::{COUNTS, GAUGES, Sample};

const NAMESPACE: &str = "Drawbridge";

/// One document for the run, and one for its error by kind.
pub(super) fn documents(sample: &Sample, owner: &str, behind: f64, now: u64) -> Vec<Value> {
    let mut values: Vec<(&str, &str, f64)> = Vec::new();
    for (name, _, unit, _) in COUNTS {
        values.extend(sample.counts.get(name).map(|number| (name, unit, *number)));
    }
    for (name, _, unit, _) in GAUGES {
        values.extend(sample.gauges.get(name).map(|number| (name, unit, *number)));
    }
    values.push(("OldestUnappliedChangeSeconds", "Seconds", behind));
    let mut documents = vec![document(&values, &[("Owner", owner)], now)];
    if let Some(kind) = sample.error {
        documents.push(document(&[("Errors", "Count", 1.0)], &[("Owner", owner), ("Kind", kind)], now));
    }
    documents
}

fn document(values: &[(&str, &str, f64)], dimensions: &[(&str, &str)], now: u64) -> Value {
    let metrics: Vec<_> = values.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let names: Vec<_> = dimensions.iter().map(|(name, _)| *name).collect();
    let mut document = json!({
        "_aws": {
            "Timestamp": now,
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": metrics }],
        },
    });
    for (name, value) in dimensions {
        document[*name] = json!(value);
    }
    for (name, _, number) in values {
        document[*name] = json!(number);
    }
    document
}
