// Copyright: Conductor contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package configuration describes the configuration of a controller as JSON: its keys, its feature gates, and the names of
// TLS cipher suites. It reads the compiled types, so embedded types of other modules have the fields that the controller
// accepts. It requires no module, so that each controller is read with the libraries that its release uses.
package configuration

import (
	"crypto/tls"
	"encoding/json"
	"os"
	"reflect"
	"strings"
)

type key struct {
	Type string `json:"type"`
	// The value if the file does not have the key; unset if the program has none, or the zero value of Go.
	Default any `json:"default,omitempty"`
}

// Of k8s.io/apimachinery: a struct that is written as a text.
const duration = "v1.Duration"

// add writes the keys of a struct. The value may be invalid: then nothing below it has a default.
func add(keys map[string]key, prefix string, of reflect.Type, value reflect.Value) {
	for i := range of.NumField() {
		field, inner := of.Field(i), reflect.Value{}
		if value.IsValid() {
			inner = value.Field(i)
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		kind := field.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
			if inner.IsValid() {
				inner = inner.Elem()
			}
		}
		switch {
		case strings.Contains(options, "inline"):
			add(keys, prefix, kind, inner)
		case kind.Kind() == reflect.Struct && kind.String() != duration:
			add(keys, prefix+name+".", kind, inner)
		default:
			found := key{Type: typeOf(kind)}
			if inner.IsValid() && (!inner.IsZero() || field.Type.Kind() == reflect.Pointer) {
				found.Default = inner.Interface()
			}
			keys[prefix+name] = found
		}
	}
}

func typeOf(kind reflect.Type) string {
	switch {
	case kind.String() == duration:
		return "duration"
	case kind.Kind() == reflect.Slice:
		return "list of " + typeOf(kind.Elem())
	case kind.Kind() == reflect.Map && kind.Key().Kind() == reflect.String:
		return "map of " + typeOf(kind.Elem())
	}
	switch kind.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "integer"
	case reflect.Float32, reflect.Float64:
		return "number"
	}
	panic("the keys cannot be described: " + kind.String())
}

// Print writes the description of a configuration, which has the defaults of its program, and of feature gates: the map
// of featuregate.FeatureSpec by name.
func Print(found, gates any) {
	keys := map[string]key{}
	add(keys, "", reflect.TypeOf(found), reflect.ValueOf(found))
	known := map[string]any{}
	for name, spec := range reflect.ValueOf(gates).Seq2() {
		// AllAlpha and AllBeta are switches of the library for whatever gates exist.
		if !strings.HasPrefix(name.String(), "All") {
			stage := strings.ToLower(spec.FieldByName("PreRelease").String())
			known[name.String()] = map[string]any{"default": spec.FieldByName("Default").Bool(), "stage": stage}
		}
	}
	suites := []string{}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		suites = append(suites, suite.Name)
	}
	result := map[string]any{"keys": keys, "feature_gates": known, "cipher_suites": suites}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		panic(err)
	}
}
