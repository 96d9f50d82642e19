package payouts_test

import (
	"flag"
	"os"
	"testing"

	"vitrine/app/db/dbtest"
)

func TestMain(m *testing.M) {
	if os.Getenv("PAYOUTS_VICTIM") != "" {
		os.Exit(victim())
	}
	if err := flag.Set("test.parallel", "8"); err != nil { // they wait for the database more than they reckon
		panic(err)
	}
	os.Exit(dbtest.Main(m))
}
