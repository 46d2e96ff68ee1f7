# Lists what there is.
default:
    @just --list

[doc("Everything that must hold before a change lands")]
[group("check")]
ci:
    .ci/run

[doc("All tests; servers are found or fetched")]
[group("check")]
test *arguments:
    cargo test --workspace {{ arguments }}

[doc("Measures what is promised of speed, e.g. `just bench intake --output json`")]
[group("check")]
bench *arguments:
    cargo bench -p liuyan-tests --bench bench -- {{ arguments }}

[doc("Lets libFuzzer try what strangers send: `just fuzz files 600`")]
[group("check")]
fuzz target seconds="60":
    .ci/fuzz {{ target }} {{ seconds }}

[doc("Fills a real, small disk under the board, makes room again, and counts (Linux)")]
[group("check")]
full-disk:
    cargo build -p liuyan
    .ci/full-disk

[doc("Files of messages and old stretches of the feed on a real S3, which is started for it")]
[group("check")]
s3:
    .ci/s3

[doc("Kills a board's parts at random while an agency reads: `just chaos-feed --minutes 10 --seed 1`")]
[group("check")]
chaos-feed *arguments:
    cargo build -p liuyan
    .ci/python tests/chaos/feed.py {{ arguments }}

[doc("Kills a board's parts at random while clerks work: `just chaos-casework --minutes 10 --seed 1`")]
[group("check")]
chaos-casework *arguments:
    cargo build -p liuyan
    .ci/python tests/chaos/casework.py {{ arguments }}

[doc("Lints, as strict as CI")]
[group("check")]
lint:
    cargo clippy --workspace --all-targets -- -D warnings

[doc("Sets the code as rustfmt wants it")]
[group("check")]
fmt:
    cargo fmt

[doc("Lints the contracts")]
[group("check")]
contracts:
    cd proto && npx --yes @bufbuild/buf@1.75.0 lint

[doc("The chart: lints, renders, refuses, is valid and as recorded (`just helm --record`)")]
[group("check")]
helm *arguments:
    .ci/helm {{ arguments }}

[doc("helm against a real control plane; with a program of `liuyan`, its pods on a real node (Linux, root)")]
[group("check")]
cluster-test *arguments:
    .ci/cluster {{ arguments }}

[doc("The image, without a Docker engine: `just image target/release/liuyan`")]
[group("run")]
image program *arguments:
    deploy/image/build {{ program }} {{ arguments }}

[doc("How 34 cells bear a national peak, by arithmetic: `just simulate --peak 20`")]
[group("check")]
simulate *arguments:
    deploy/simulate/simulate.py {{ arguments }}

[doc("Licences, bans, duplicates, advisories of what we depend on")]
[group("check")]
deny:
    cargo deny check

[doc("Renews the query data of every crate after a change of SQL")]
[group("database")]
prepare:
    .ci/prepare

[doc("Whether the query data is that of the code")]
[group("database")]
prepared:
    .ci/prepare --check

[doc("Runs the board here until Ctrl-C")]
[group("run")]
up *arguments:
    cargo run -- up {{ arguments }}

[doc("One message through its whole life, then stop")]
[group("run")]
smoke:
    cargo run -- up --smoke

[doc("Proves of the running board that nothing was lost")]
[group("run")]
verify:
    cargo run -- verify

[doc("The documentation of all crates")]
[group("read")]
doc:
    cargo doc --workspace --no-deps --open
