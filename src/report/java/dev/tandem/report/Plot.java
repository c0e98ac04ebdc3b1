package dev.tandem.report;

import java.awt.Color;
import java.awt.Font;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Lines over a common horizontal axis, written as SVG. */
final class Plot {
  private static final int WIDTH = 760;
  private static final int HEIGHT = 440;

  private final XYChart chart;

  Plot(String title, String xAxis, String yAxis) {
    chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(title)
            .xAxisTitle(xAxis)
            .yAxisTitle(yAxis)
            .build();
    chart
        .getStyler()
        .setLegendPosition(Styler.LegendPosition.OutsideE)
        .setLegendBorderColor(Color.WHITE)
        .setChartBackgroundColor(Color.WHITE)
        .setChartTitleFont(new Font(Font.SANS_SERIF, Font.PLAIN, 15))
        .setLegendFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12));
    chart.getStyler().setYAxisMin(0.0);
  }

  /** Both axes logarithmic, from the smallest power of ten that is needed. */
  Plot logarithmic() {
    chart.getStyler().setXAxisLogarithmic(true).setYAxisLogarithmic(true).setYAxisMin(null);
    return this;
  }

  /** A line with a mark at each point. */
  Plot line(String name, SortedMap<Double, Double> points) {
    add(name, points);
    return this;
  }

  /** Lines, by name. */
  Plot lines(Map<String, ? extends SortedMap<Double, Double>> lines) {
    lines.forEach(this::add);
    return this;
  }

  /** A line without marks. */
  Plot bound(String name, List<Double> x, List<Double> y) {
    XYSeries series = chart.addSeries(name, x, y);
    series.setMarker(SeriesMarkers.NONE);
    series.setLineColor(Color.GRAY);
    return this;
  }

  private void add(String name, SortedMap<Double, Double> points) {
    chart.addSeries(name, List.copyOf(points.keySet()), List.copyOf(points.values()));
  }

  /** Writes it; two decimals of a pixel are enough, and a quarter of the bytes. */
  void write(Path file) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    VectorGraphicsEncoder.saveVectorGraphic(chart, out, VectorGraphicsFormat.SVG);
    String svg = out.toString(StandardCharsets.UTF_8).replaceAll("(\\.\\d{2})\\d+", "$1");
    Files.writeString(file, svg);
  }
}
