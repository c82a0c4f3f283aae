package container

// roles returns what the test binary can be instead of the tests.
func roles() map[string]func() error {
	return map[string]func() error{"daemon": daemon, "forbidden": forbiddenRole, "masked": maskedRole, "full": fullRole}
}
