//! Pushing to and pulling from a real registry, and from servers that are worse than it.

#[cfg(test)]
mod authenticating;
#[cfg(test)]
mod bases;
#[cfg(test)]
mod failing;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod pushing;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
