using Spectre.Console;

namespace Tersor.Cli.Printing;

/// <summary>Tables and lines on stdout. Without a terminal: plain text, no colour, nothing cut or wrapped.</summary>
internal sealed class Printer
{
    /// <summary>Spaces beside a column, and columns that text needs to be readable.</summary>
    private const int Padding = 3, LeastText = 24;

    private readonly IAnsiConsole console;

    public Printer(Terminal terminal)
    {
        console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = terminal.OutIsInteractive ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = terminal.OutIsInteractive ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(terminal.OutIsInteractive ? terminal.Styled : new TrimmedLines(terminal.Out)),
        });
        console.Profile.Width = terminal.Width;
        console.Profile.Capabilities.Unicode = true;
    }

    /// <summary>A line of text, taken as it is.</summary>
    public void Line(string text = "") => console.WriteLine(HarmlessText.Of(text));

    /// <summary>A heading above what follows.</summary>
    public void Heading(string text) => console.Write(new Text(HarmlessText.Of(text) + "\n", new Style(decoration: Decoration.Bold)));

    /// <summary>Names and values, one pair a line.</summary>
    public void Facts(IEnumerable<(string Name, string Value)> facts)
    {
        Grid grid = new();
        grid.AddColumn(new GridColumn().NoWrap().PadLeft(0).PadRight(2));
        grid.AddColumn(new GridColumn());
        foreach ((string name, string value) in facts)
            grid.AddRow(Cell(name), Cell(value));
        console.Write(grid);
    }

    /// <summary>A table. Columns whose heading ends in <c>&gt;</c> are numbers and align right.</summary>
    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        IReadOnlyList<string>[] cells = [.. rows];
        if (LeastWidth(columns, cells) > console.Profile.Width)
        {
            Blocks(columns, cells);
            return;
        }
        Table table = new() { Border = TableBorder.Simple };
        foreach (string column in columns)
        {
            bool right = column.EndsWith('>');
            table.AddColumn(new TableColumn(Cell(column.TrimEnd('>'))) { Alignment = right ? Justify.Right : Justify.Left, NoWrap = right });
        }
        foreach (IReadOnlyList<string> row in cells)
            table.AddRow(row.Select(Cell));
        console.Write(table);
    }

    private static Text Cell(string text) => new(HarmlessText.Of(text));

    /// <summary>Columns a table needs at least: numbers are never broken, text may be, into words.</summary>
    private static int LeastWidth(IReadOnlyList<string> columns, IReadOnlyList<string>[] rows) => columns.Select((column, i) =>
    {
        int longest = rows.Select(row => row[i].Length).Append(column.TrimEnd('>').Length).Max();
        return Padding + (column.EndsWith('>') ? longest : Math.Min(longest, LeastText));
    }).Sum();

    /// <summary>What a table would say, one row below the other, for a window too narrow for it.</summary>
    private void Blocks(IReadOnlyList<string> columns, IReadOnlyList<string>[] rows)
    {
        foreach (IReadOnlyList<string> row in rows)
        {
            Line();
            Facts(row.Select((cell, i) => (columns[i].TrimEnd('>'), cell)).Where(fact => fact.cell.Length > 0));
        }
        Line();
    }
}
