package config

import (
	"net/url"
	"reflect"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// userInfo matches the user and the password of an address, wherever it stands in a text.
var userInfo = lazyregexp.New(`://([^/\s@'"]+)@`)

// Passwords returns the passwords in all addresses of the file, such as that of
// https://user:password@pypi.acme.dev.
func (c *Config) Passwords() []string {
	var all []string
	texts(reflect.ValueOf(c), func(text string) {
		for _, found := range userInfo.FindAllStringSubmatch(text, -1) {
			_, password, _ := strings.Cut(found[1], ":")
			all = append(all, password)
			if plain, err := url.PathUnescape(password); err == nil && plain != password {
				all = append(all, plain)
			}
		}
	})
	return all
}

// texts calls visit with all texts in a value.
func texts(v reflect.Value, visit func(string)) {
	switch v.Kind() {
	case reflect.String:
		visit(v.String())
	case reflect.Pointer, reflect.Interface:
		texts(v.Elem(), visit)
	case reflect.Struct:
		for n := range v.NumField() {
			if v.Type().Field(n).IsExported() {
				texts(v.Field(n), visit)
			}
		}
	case reflect.Slice:
		for n := range v.Len() {
			texts(v.Index(n), visit)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			texts(v.MapIndex(key), visit)
		}
	}
}
