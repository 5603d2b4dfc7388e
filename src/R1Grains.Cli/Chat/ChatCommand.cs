using System.CommandLine;
using System.Text;
using R1Grains.V1;
using Spectre.Console;

namespace R1Grains.Cli;

/// <summary><c>r1 chat</c></summary>
internal static class ChatCommand
{
    private static readonly Option<string?> ConversationId = new("--conversation", "-c")
    {
        Description = "Goes on with this conversation, and with an answer that was left unfinished; opens it if there is none.",
        HelpName = "id",
    };

    private static readonly Option<string> Language = new Option<string>("--language", "-l")
    {
        Description = "The customer's language, for a new conversation and for messages to the customer; else the server's choice.",
    }.AcceptOnlyFromAmong("zh", "en");

    private static readonly Option<string?> Customer = new("--customer") { Description = "The customer, as you name them, for a new conversation.", HelpName = "name" };

    private static readonly Option<bool> Verbose = new("--verbose", "-v") { Description = "Tells tokens, window, model and receipt after every answer." };

    public static Command Create(Interrupts interrupts)
    {
        var command = new ExampledCommand(
            "chat",
            "Holds a conversation. Between pipes it reads a turn per line and writes answers only.",
            """
            r1 chat
            r1 chat --language en --conversation anna-1
            r1 chat --server http://127.0.0.1:5080,http://127.0.0.1:5081
            echo "信用卡年费是多少？" | r1 chat
            """)
        {
            ConversationId,
            Language,
            Customer,
            Verbose,
        }.WithServer();
        command.SetAction((parsed, cancellation) => Run(parsed, interrupts, cancellation));
        return command;
    }

    private static async Task<int> Run(ParseResult parsed, Interrupts interrupts, CancellationToken cancellation)
    {
        var language = parsed.GetValue(Language);
        var verbose = parsed.GetValue(Verbose);
        using var connection = parsed.Connect(language);
        var wanted = new Conversation { Channel = "cli", Customer = parsed.GetValue(Customer) ?? "", LanguageCode = language ?? "" };
        var chat = new Chat(connection, parsed.TenantName(), wanted, SeenTurns.OfUser(warning => Console.Error.WriteLine($"r1: {warning}")));
        await chat.Open(parsed.GetValue(ConversationId), cancellation);

        var console = AnsiConsole.Console;
        if (!Console.IsInputRedirected && !Console.IsOutputRedirected && console.Profile.Capabilities.Ansi)
            return await new TerminalChat(chat, console, new Keyboard(console), interrupts, verbose).Run(cancellation);

        using var input = new StreamReader(Console.OpenStandardInput(), Encoding.UTF8);
        return await new PlainChat(chat, input, Console.Out, Console.Error, verbose).Run(cancellation);
    }
}
