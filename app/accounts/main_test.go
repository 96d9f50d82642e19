package accounts_test

import (
	"os"
	"testing"

	"vitrine/app/apptest"
)

func TestMain(m *testing.M) { os.Exit(apptest.Main(m)) }
