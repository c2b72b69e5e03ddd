mod teams;
