mod apps;
mod invitations;
mod members;
mod org;
mod teams;
