//! One actor per remote repository: reads, group commits and pushes, in a worker process with a deadline.
