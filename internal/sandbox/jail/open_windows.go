package jail

// unblocked is 0 because directories on Windows have no named pipes.
const unblocked = 0
