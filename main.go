// Vitrine: shops for creators. `vitrine help` lists what it can do.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"vitrine/app/embedded"
	"vitrine/commands"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "s3d" { // the child that `vitrine dev` starts for its local S3
		os.Exit(embedded.S3Child(os.Args[2:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := commands.Run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "vitrine:", err)
		os.Exit(1)
	}
}
