package config

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestTheExampleNamesEverySettingWithItsDefault(t *testing.T) {
	f, err := os.Open("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	example := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), "="); ok && !strings.HasPrefix(k, "#") {
			example[k] = v
		}
	}
	typ := reflect.TypeFor[Config]()
	for i := range typ.NumField() {
		tag := typ.Field(i).Tag
		name := tag.Get("env")
		if name == "-" {
			continue
		}
		v, ok := example[name]
		if !ok {
			t.Errorf("%s is missing from .env.example", name)
		} else if v != tag.Get("envDefault") {
			t.Errorf("%s is %q in .env.example and %q by default", name, v, tag.Get("envDefault"))
		}
		delete(example, name)
	}
	for name := range example {
		t.Errorf(".env.example names %s, which nobody reads", name)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	c := Config{SecretKey: "swordfish-swordfish-swordfish-swordfish", StripeSecretKey: "sk_live_x"}
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c)} {
		if strings.Contains(s, "swordfish") || strings.Contains(s, "sk_live") {
			t.Errorf("a secret in %s", s)
		}
	}
}

func valid() *Config {
	c := &Config{Port: 8080, DatabaseURL: "x", RedisURL: "x", AWSAccessKeyID: "x", AWSSecretAccessKey: "x", SMTPURL: "x", StripeSecretKey: "x",
		StripeWebhookSecret: "x", SecretKey: Secret(strings.Repeat("k", 32)), AccessTokenExpireMinutes: 15, TimeZone: "UTC"}
	c.Complete()
	return c
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	if err := valid().Check(); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*Config){
		"DATABASE_URL":        func(c *Config) { c.DatabaseURL = "" },
		"SECRET_KEY":          func(c *Config) { c.SecretKey = "short" },
		"three hosts":         func(c *Config) { c.ShopURL = c.AppURL },
		"https outside":       func(c *Config) { c.AppURL = "http://example.com" },
		"https://host":        func(c *Config) { c.MediaURL = "media.example.com" },
		"IANA":                func(c *Config) { c.TimeZone = "Mars/Olympus" },
		"TRUSTED_PROXIES":     func(c *Config) { c.TrustedProxies = []string{"10.0.0.1"} },
		"ACCESS_TOKEN_EXPIRE": func(c *Config) { c.AccessTokenExpireMinutes = 0 },
	} {
		c := valid()
		spoil(c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want a word about %q, got %v", want, err)
		}
	}
}

func TestSameSiteGoesByTheRegistrableDomain(t *testing.T) {
	for _, tt := range []struct {
		app, shop string
		same      bool
	}{
		{"https://app.example.com", "https://shops.example.com", true},
		{"https://app.example.com", "https://example.shop", false},
		{"https://a.github.io", "https://b.github.io", false},
		{"http://localhost:8080", "http://shop.localhost:8080", false},
	} {
		if got := (&Config{AppURL: tt.app, ShopURL: tt.shop}).SameSite(); got != tt.same {
			t.Errorf("%s and %s: %v", tt.app, tt.shop, got)
		}
	}
}
