//! A farm of four hosts, of which one gave nothing and one has a single block.

use super::Input;
use super::support::{OnHost, series, write_farm};
use super::values::Noise;
use analyze::Comparison;
use std::sync::LazyLock;

/// What the hosts say together.
pub fn hosts() -> Comparison {
    static JUDGED: LazyLock<Comparison> = LazyLock::new(|| {
        let mut noise = Noise::new(11);
        let input = Input::new(|root| {
            let mut host = |name: &'static str, level: f64, effect: f64, blocks: usize| {
                let mut side = |effect: f64| {
                    let mut of = |size: u32, effect: f64, sd: f64| {
                        let values = noise.values(blocks, level * effect * f64::from(size).ln(), sd);
                        series("TCP_STREAM (RX)", size, "throughput", "Mbit/s", &values)
                    };
                    let mut all =
                        vec![of(64, effect, 0.004), of(1024, 1.0, 0.004), of(16384, effect.sqrt(), 0.03)];
                    let cpu = noise.values(blocks, 30.0 + level / 100.0, 0.01);
                    all.push(series("TCP_STREAM (RX)", 64, "CPU", "%", &cpu));
                    all
                };
                let (base, head) = (side(1.0), side(effect));
                OnHost {
                    base,
                    head,
                    change: |env| {
                        env.facts.push(("host.cpu.model", "a processor with a long name, 2.40 GHz"))
                    },
                    ..OnHost::new(name, &[], &[])
                }
            };
            let hosts = [
                host("rack1-node01", 100.0, 0.80, 5),
                host("rack1-node02", 240.0, 0.93, 5),
                host("rack2-node01.example", 180.0, 0.88, 1),
            ];
            vec![write_farm(
                root,
                &["rack1-node01", "rack1-node02", "rack2-node01.example", "rack2-node02"],
                &hosts,
            )]
        });
        input.judged()
    });
    JUDGED.clone()
}
