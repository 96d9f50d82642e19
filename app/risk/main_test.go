package risk_test

import (
	"os"
	"testing"

	"vitrine/app/db/dbtest"
)

func TestMain(m *testing.M) {
	if os.Getenv("RISK_VICTIM") != "" {
		os.Exit(victim())
	}
	os.Exit(dbtest.Main(m))
}
