//! Tests of the metrics through `answer`, over blocks made by hand.

mod answers;
mod bands;
mod buckets;
mod estate;
mod groups;
mod kinds;
