package jail

// unblocked is nothing where there are no pipes in directories.
const unblocked = 0
