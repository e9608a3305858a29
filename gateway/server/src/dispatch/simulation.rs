//! A deterministic simulation of the way out: the real dispatcher over a model of the store and a simulated network, in simulated time.
//!
//! A seed decides everything: what is published when, how each subscriber behaves, what the network loses, when the gateway dies, what operators do meanwhile, and every
//! random number that the code under test draws. After the faults end, all must have come to an end that the scenario allows. What went wrong names its seed, and the same
//! seed goes wrong in the same way.

mod dice;
mod disk;
mod gateway;
mod model;
mod plan;
mod ports;
mod run;
mod subscriber;
mod suite;
mod tenure;
mod tests;
mod witness;
