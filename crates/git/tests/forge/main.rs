//! Requests on a real forge, and on servers that are no good.

#[cfg(test)]
mod heads;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod merges;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod ready;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod servers;
