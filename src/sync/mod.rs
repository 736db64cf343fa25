//! On-demand and background fetching: single flight, schedule, back-off. The only writer of events, coverage and cursors.
