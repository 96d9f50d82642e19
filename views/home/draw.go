package home

import "fmt"

// scallop is one of the nine pieces of the awning.
func scallop(i int) string {
	x := 26 + i*41
	return fmt.Sprintf("M%d 50h41v52a20.500 16 0 01-41 0z", x)
}

func scallopColor(i int) string {
	if i%2 == 0 {
		return "#FFB81C"
	}
	return "#FBFDFC"
}

// stripe is one of thirteen pieces of a small awning.
func stripe(i int) string { return fmt.Sprintf("M%d 0h10v9a5 5 0 01-10 0z", i*10) }

func stripeColor(i int, color string) string {
	if i%2 == 0 {
		return color
	}
	return "transparent"
}

func litID(i int) string { return fmt.Sprintf("lit-%d", i+1) }
