#![doc = include_str!("../README.md")]

pub mod class;
pub mod clock;
pub mod config;
pub mod db;
pub mod host;
pub mod id;
pub mod messaging;
pub mod telemetry;
