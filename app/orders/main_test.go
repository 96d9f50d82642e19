package orders_test

import (
	"os"
	"testing"

	"vitrine/app/db/dbtest"
)

func TestMain(m *testing.M) {
	code := dbtest.Main(m)
	stopOutside()
	os.Exit(code)
}
