package jail

// openFlags is 0 because directories on Windows have no named pipes.
const openFlags = 0
