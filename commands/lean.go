//go:build lean

package commands

import (
	"context"
	"errors"
	"io"

	"vitrine/app/config"
)

// A lean build is for servers: without the embedded services and the sandbox.

var errLean = errors.New("this build holds no development services; build without `-tags lean`")

func Child([]string) (int, bool) { return 0, false }

func dev(context.Context, *config.Config, []string, io.Writer) error          { return errLean }
func sandboxAlone(context.Context, *config.Config, []string, io.Writer) error { return errLean }
