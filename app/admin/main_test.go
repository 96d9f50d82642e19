package admin_test

import (
	"os"
	"testing"

	"vitrine/app/db/dbtest"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }
