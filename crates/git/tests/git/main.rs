//! Everything against a real git server over loopback http.

#[cfg(test)]
mod archive;
#[cfg(test)]
mod deleted;
#[cfg(test)]
mod dying;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod gitea;
#[cfg(test)]
mod group;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod how;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod look;
#[cfg(test)]
mod observed;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod table;
#[cfg(test)]
mod table_hands;
#[cfg(test)]
mod tls;
