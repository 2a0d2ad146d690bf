using Spectre.Console;

namespace Tersor.Cli.Printing;

/// <summary>Tables and lines on stdout. Without a terminal: plain text, no colour, nothing cut or wrapped.</summary>
internal sealed class Printer
{
    private readonly IAnsiConsole console;

    public Printer(Terminal terminal)
    {
        console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = terminal.OutIsInteractive ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = terminal.OutIsInteractive ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(terminal.OutIsInteractive ? terminal.Out : new TrimmedLines(terminal.Out)),
        });
        console.Profile.Width = terminal.Width;
        console.Profile.Capabilities.Unicode = true;
    }

    /// <summary>A line of text, taken as it is.</summary>
    public void Line(string text = "") => console.WriteLine(text);

    /// <summary>A heading above what follows.</summary>
    public void Heading(string text) => console.Write(new Text(text + "\n", new Style(decoration: Decoration.Bold)));

    /// <summary>Names and values, one pair a line.</summary>
    public void Facts(IEnumerable<(string Name, string Value)> facts)
    {
        Grid grid = new();
        grid.AddColumn(new GridColumn().NoWrap().PadLeft(0).PadRight(2));
        grid.AddColumn(new GridColumn());
        foreach ((string name, string value) in facts)
            grid.AddRow(new Text(name), new Text(value));
        console.Write(grid);
    }

    /// <summary>A table. Columns whose heading ends in <c>&gt;</c> are numbers and align right.</summary>
    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        Table table = new() { Border = TableBorder.Simple };
        foreach (string column in columns)
        {
            bool right = column.EndsWith('>');
            table.AddColumn(new TableColumn(new Text(column.TrimEnd('>'))) { Alignment = right ? Justify.Right : Justify.Left, NoWrap = right });
        }
        foreach (IReadOnlyList<string> row in rows)
            table.AddRow(row.Select(cell => new Text(cell)));
        console.Write(table);
    }
}
