using System.Net;

namespace R1Grains.Compliance;

/// <summary>Recognisers of addresses of the net; their answers are those of <see cref="PersonalDataReading"/>.</summary>
internal static class PersonalDataAddresses
{
    private const int None = PersonalDataReading.None;
    private const int Undecided = PersonalDataReading.Undecided;

    /// <summary>RFC 5321.</summary>
    private const int MailboxMax = 64;

    private const int LabelMax = 63;
    private const int DomainMax = 253;
    private const int TopLevelMax = 24;
    private const int IPv6Max = 39;

    /// <summary>A mailbox, and a domain of two names or more that ends with a top-level one.</summary>
    public static int Email(PersonalDataText text, int at)
    {
        var sign = at;
        for (; IsMailbox(text[sign]); sign++)
            if (sign - at == MailboxMax) return None;
        if (text[sign] == PersonalDataText.Unknown) return Undecided;
        if (text[sign] != '@') return None;
        var (name, end) = (sign + 1, None);
        for (var i = sign + 1; i - sign <= DomainMax; i++)
        {
            var c = text[i];
            if (c == PersonalDataText.Unknown) return Undecided;
            if (char.IsAsciiLetterOrDigit(c) || c == '-')
            {
                if (i - name == LabelMax) break;
                continue;
            }
            if (name > sign + 1 && IsTopLevel(text, name, i)) end = i;
            if (c != '.' || i == name) break;
            name = i + 1;
        }
        return end == None || text[end] == '_' ? None : end - at;
    }

    private static bool IsMailbox(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '%' or '+' or '-';

    private static bool IsTopLevel(PersonalDataText text, int from, int to)
    {
        if (to - from is < 2 or > TopLevelMax) return false;
        if (to - from > 4 && text[from] is 'x' or 'X' && text[from + 1] is 'n' or 'N' && text[from + 2] == '-' && text[from + 3] == '-') return true;
        for (; from < to; from++)
            if (!char.IsAsciiLetter(text[from])) return false;
        return true;
    }

    /// <summary>Four numbers below 256; not a machine's own address, a version, or a section of a text.</summary>
    public static int IPv4(PersonalDataText text, int at)
    {
        if (text[at - 1] == '第') return None;
        var i = at;
        for (var part = 0; part < 4; part++)
        {
            if (part > 0)
            {
                if (text[i] == PersonalDataText.Unknown) return Undecided;
                if (text[i++] != '.') return None;
            }
            var (from, value) = (i, 0);
            for (; i - from < 3 && char.IsAsciiDigit(text[i]); i++) value = value * 10 + (text[i] - '0');
            if (value > 255 || (i - from > 1 && text[from] == '0')) return None;
            if (i == from) return text[i] == PersonalDataText.Unknown ? Undecided : None;
            if (part == 0 && text[i] == '.' && value is 0 or 127) return None;
        }
        var next = text[i];
        if (next == PersonalDataText.Unknown) return Undecided;
        if (PersonalDataText.IsWord(next) || next is '节' or '條' or '条' or '款' or '章') return None;
        if (next is '.' or '-')
        {
            if (text[i + 1] == PersonalDataText.Unknown) return Undecided;
            if (char.IsAsciiDigit(text[i + 1]) || (next == '-' && PersonalDataText.IsWord(text[i + 1]))) return None;
        }
        return PersonalDataContext.Before(text, at).IsNamedOther ? None : i - at;
    }

    /// <summary>As .NET reads it, with a digit in it; what begins with colons is nobody's.</summary>
    public static int IPv6(PersonalDataText text, int at)
    {
        Span<char> address = stackalloc char[IPv6Max];
        var (length, colons, group, isShort, hasDigit) = (0, 0, 0, false, false);
        for (; ; length++)
        {
            var c = text[at + length];
            if (c == PersonalDataText.Unknown) return Undecided;
            if (!char.IsAsciiHexDigit(c) && c != ':') break;
            if (length == IPv6Max) return None;
            group = c == ':' ? 0 : group + 1;
            if (c == ':')
            {
                colons++;
                if (length > 0 && address[length - 1] == ':')
                {
                    if (isShort) return None;
                    isShort = true;
                }
            }
            if (group > 4 || colons > 8) return None;
            hasDigit |= char.IsAsciiDigit(c);
            address[length] = c;
        }
        if (PersonalDataText.IsWord(text[at + length])) return None;
        // "… fe80::1: no answer"
        if (length > 1 && address[length - 1] == ':' && address[length - 2] != ':') length--;
        return hasDigit && colons >= 2 && IPAddress.TryParse(address[..length], out var parsed) && parsed.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? length : None;
    }
}
