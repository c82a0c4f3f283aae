package container

// roles are what the tests' own binary can be.
func roles() map[string]func() error {
	return map[string]func() error{"daemon": daemon, "forbidden": forbiddenRole, "masked": maskedRole, "full": fullRole}
}
