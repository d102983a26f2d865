package main

import (
	"bytes"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The page's background shows through. Lines have one set of colours, about as
// far from white as from black; text takes the colour that the reader's scheme
// asks for.
const (
	typeface  = "font-family:Liberation Sans;"
	fallbacks = "font-family:Liberation Sans,Arial,Helvetica,sans-serif;"
	textStyle = `<style>text { fill: #24292f !important }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 !important } }</style>
`
)

var (
	ink   = color.RGBA{R: 0x80, G: 0x80, B: 0x80, A: 0xff}
	faint = color.NRGBA{R: 0x80, G: 0x80, B: 0x80, A: 0x30}

	blue    = color.RGBA{R: 0x22, G: 0x8b, B: 0xe6, A: 0xff}
	orange  = color.RGBA{R: 0xe8, G: 0x59, B: 0x0c, A: 0xff}
	red     = color.RGBA{R: 0xe0, G: 0x31, B: 0x31, A: 0xff}
	colours = map[string]color.Color{
		retryable:         orange,
		untouched.label(): red,
		restyV3:           color.RGBA{R: 0x2b, G: 0x9a, B: 0x3e, A: 0xff}, // green
		goGitHub:          color.RGBA{R: 0x0c, G: 0x95, B: 0xa9, A: 0xff}, // teal
		azCore:            color.RGBA{R: 0xbe, G: 0x4b, B: 0xdb, A: 0xff}, // violet
		stripeGo:          red,
		openAIGo:          color.RGBA{R: 0xc9, G: 0x95, B: 0x00, A: 0xff}, // ochre
		asText:            orange,
	}
)

const (
	panelsInRow = 2
	panelWidth  = vg.Length(330)
	panelHeight = vg.Length(240)
)

// chart makes an SVG of the panels, two in a row.
func chart(panels []panel) ([]byte, error) {
	rows := (len(panels) + panelsInRow - 1) / panelsInRow
	canvas := vgsvg.NewWith(vgsvg.UseWH(panelsInRow*panelWidth, vg.Length(rows)*panelHeight))
	tiles := draw.Tiles{Cols: panelsInRow, Rows: rows, PadX: 14, PadY: 18, PadTop: 4, PadBottom: 4, PadLeft: 4, PadRight: 8}
	for i, p := range panels {
		field, err := plotOf(p)
		if err != nil {
			return nil, err
		}
		field.Draw(tiles.At(draw.New(canvas), i%panelsInRow, i/panelsInRow))
	}
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return nil, err
	}
	out := strings.ReplaceAll(svg.String(), typeface, fallbacks)
	return []byte(strings.Replace(out, "<g ", textStyle+"<g ", 1)), nil
}

// plotOf makes one panel: axes, a grid, and a line with its points for each
// curve.
func plotOf(p panel) (*plot.Plot, error) {
	field := plot.New()
	field.BackgroundColor = color.Transparent
	field.Title.Text, field.X.Label.Text, field.Y.Label.Text = p.title, p.x, p.y
	field.Title.Padding = 6
	style(&field.Title.TextStyle, 11)
	for _, axis := range []*plot.Axis{&field.X, &field.Y} {
		style(&axis.Label.TextStyle, 9)
		style(&axis.Tick.Label, 9)
		axis.Color, axis.Tick.Color = ink, ink
	}
	field.X.Tick.Marker = marks(p.marks)
	if p.logX {
		field.X.Scale = plot.LogScale{}
	}
	if p.logY {
		field.Y.Scale, field.Y.Tick.Marker = plot.LogScale{}, decades{}
	} else {
		field.Y.Min, field.Y.Tick.Marker = 0, rounded{}
	}
	lines := plotter.NewGrid()
	lines.Vertical.Color, lines.Horizontal.Color = faint, faint
	field.Add(lines)
	style(&field.Legend.TextStyle, 8)
	field.Legend.Top, field.Legend.Left = true, true
	for _, c := range p.curves {
		line, points, err := plotter.NewLinePoints(coordinates(c))
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = lineOf(c.name)
		points.Color, points.Shape, points.Radius = line.Color, draw.CircleGlyph{}, 2
		field.Add(line, points)
		field.Legend.Add(c.name, line)
	}
	if !p.logY {
		field.Y.Min = 0
		field.Y.Max *= 1.1 + 0.07*float64(len(p.curves)) // room for the legend
	}
	return field, nil
}

// lineOf is the colour and the width of a curve, the same in every panel. What
// the others are compared with is grey.
func lineOf(name string) (color.Color, vg.Length) {
	if strings.HasPrefix(name, library) {
		return blue, 2.5
	}
	if c := colours[name]; c != nil {
		return c, 1.5
	}
	return ink, 1.5
}

func style(s *text.Style, size vg.Length) {
	s.Font.Variant, s.Font.Size, s.Color = "Sans", size, ink
}

func coordinates(c curve) plotter.XYs {
	xys := make(plotter.XYs, len(c.points))
	for i, p := range c.points {
		xys[i].X, xys[i].Y = p.x, p.y
	}
	return xys
}

// marks are ticks where the values are.
type marks []float64

// Ticks returns one for each value.
func (m marks) Ticks(_, _ float64) []plot.Tick {
	ticks := make([]plot.Tick, len(m))
	for i, at := range m {
		ticks[i] = plot.Tick{Value: at, Label: short(at)}
	}
	return ticks
}

// decades are ticks of a logarithmic axis: 1, 2 and 5 of each power of ten.
type decades struct{}

// Ticks returns those between the two.
func (decades) Ticks(low, high float64) (ticks []plot.Tick) {
	for power := math.Pow(10, math.Floor(math.Log10(low))); power <= high; power *= 10 {
		for _, digit := range []float64{1, 2, 5} {
			if at := digit * power; at >= low && at <= high {
				ticks = append(ticks, plot.Tick{Value: at, Label: short(at)})
			}
		}
	}
	return ticks
}

// rounded are the usual ticks with short labels.
type rounded struct{}

// Ticks returns those of the plot package.
func (rounded) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = short(ticks[i].Value)
		}
	}
	return ticks
}

// short writes whole thousands as k.
func short(v float64) string {
	if v >= 1000 && math.Mod(v, 100) == 0 {
		return strconv.FormatFloat(v/1000, 'g', 4, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
