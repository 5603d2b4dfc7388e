using System.Globalization;

namespace R1Grains.Tuning.Corpora;

/// <summary>Values as documents write them: random, so that they can only be copied and never remembered.</summary>
internal static class Values
{
    private static readonly string[] Months =
        ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

    /// <summary>A value of the measure, on the wished side of the split.</summary>
    public static string Next(Dice dice, Measure measure, bool zh, Split split)
    {
        while (true)
        {
            var value = zh ? Zh(dice, measure) : En(dice, measure);
            if (Reserve.OfValue(value) == split) return value;
        }
    }

    private static string Zh(Dice dice, Measure measure) => measure switch
    {
        Measure.Money => dice.Below(20) switch
        {
            < 12 => $"{Amount(dice)}元",
            < 14 => $"{dice.Between(1, 99)}.{dice.Between(1, 9)}万元",
            < 16 => $"{dice.Between(1, 999)}万元",
            < 17 => $"人民币{Amount(dice)}元",
            < 18 => $"{dice.Between(2, 90)}.{dice.Below(100):00}元",
            _ => Range(dice, "元至", "元"),
        },
        Measure.Percent => Percent(dice),
        Measure.Days => dice.Below(10) switch
        {
            < 3 => $"{dice.Between(1, 60)}个工作日",
            < 6 => $"{dice.Between(1, 120)}天",
            < 7 => $"{dice.Between(1, 90)}个自然日",
            < 8 => $"{dice.Between(1, 96)}小时",
            _ => Range(dice, "至", dice.Chance(50) ? "个工作日" : "天", 60),
        },
        Measure.Term => dice.Below(10) switch
        {
            < 6 => $"{dice.Between(1, 360)}个月",
            < 8 => $"{dice.Between(1, 40)}年",
            < 9 => $"{dice.Between(7, 900)}天",
            _ => Range(dice, "至", "个月", 120),
        },
        Measure.Times => $"{(dice.Chance(50) ? "每月" : "")}{dice.Between(1, 120)}次",
        Measure.Instalments => $"{dice.Between(2, 120)}期",
        Measure.Age => $"{dice.Between(16, 75)}周岁",
        Measure.Monthly => $"每月{dice.Between(1, 28)}日",
        Measure.Date => dice.Chance(60)
            ? $"{dice.Between(2024, 2039)}年{dice.Between(1, 12)}月{dice.Between(1, 28)}日"
            : $"{dice.Between(1, 12)}月{dice.Between(1, 28)}日",
        Measure.Phone => Phone(dice),
        Measure.Hours => Hours(dice, "至"),
        _ => throw new ArgumentOutOfRangeException(nameof(measure), measure, "No document gives a value for it."),
    };

    private static string En(Dice dice, Measure measure) => measure switch
    {
        Measure.Money => dice.Below(20) switch
        {
            < 7 => $"{Amount(dice)} yuan",
            < 11 => $"${Amount(dice)}",
            < 14 => $"CNY {Amount(dice)}",
            < 16 => $"{dice.Between(1, 90)}.{dice.Below(100):00} yuan",
            < 17 => $"{dice.Between(1, 90)}.{dice.Between(1, 9)} million yuan",
            < 18 => $"{Amount(dice)} dollars",
            _ => Range(dice, " to ", " yuan"),
        },
        Measure.Percent => Percent(dice),
        Measure.Days => dice.Below(10) switch
        {
            < 3 => $"{dice.Between(2, 60)} business days",
            < 6 => $"{dice.Between(2, 120)} days",
            < 7 => $"{dice.Between(2, 90)} calendar days",
            < 8 => $"{dice.Between(2, 96)} hours",
            _ => Range(dice, " to ", dice.Chance(50) ? " business days" : " days", 60),
        },
        Measure.Term => dice.Below(10) switch
        {
            < 6 => $"{dice.Between(2, 360)} months",
            < 8 => $"{dice.Between(2, 40)} years",
            < 9 => $"{dice.Between(7, 900)} days",
            _ => Range(dice, " to ", " months", 120),
        },
        Measure.Times => $"{dice.Between(2, 120)}{(dice.Chance(50) ? " per month" : "")}",
        Measure.Instalments => $"{dice.Between(2, 120)}{(dice.Chance(50) ? " instalments" : "")}",
        Measure.Age => $"{dice.Between(16, 75)}{(dice.Chance(60) ? " years" : "")}",
        Measure.Monthly => $"the {Ordinal(dice.Between(1, 28))} of each month",
        Measure.Date => dice.Below(3) switch
        {
            0 => $"{dice.Between(1, 28)} {dice.Pick(Months)}",
            1 => $"{dice.Between(1, 28)} {dice.Pick(Months)} {dice.Between(2024, 2039)}",
            _ => $"{dice.Pick(Months)} {dice.Between(1, 28)}, {dice.Between(2024, 2039)}",
        },
        Measure.Phone => Phone(dice),
        Measure.Hours => Hours(dice, dice.Chance(50) ? " to " : "-"),
        _ => throw new ArgumentOutOfRangeException(nameof(measure), measure, "No document gives a value for it."),
    };

    private static string Amount(Dice dice)
    {
        var digits = dice.Chance(4) ? 1 : dice.Between(2, 6);
        var amount = dice.Between((int)Math.Pow(10, digits - 1), (int)Math.Pow(10, digits) - 1);
        if (digits > 2 && dice.Chance(60)) amount = amount / 10 * 10;
        if (digits > 4 && dice.Chance(60)) amount = amount / 1000 * 1000;
        return amount.ToString(digits > 3 && dice.Chance(30) ? "N0" : "0", CultureInfo.InvariantCulture);
    }

    private static string Percent(Dice dice) => dice.Below(10) switch
    {
        < 6 => $"{dice.Between(0, 29)}.{dice.Between(1, 99):00}%",
        < 8 => $"{dice.Between(0, 60)}.{dice.Between(1, 9)}%",
        < 9 => $"0.{dice.Between(1, 999):000}%",
        _ => $"{dice.Between(1, 95)}%",
    };

    private static string Range(Dice dice, string to, string unit, int max = 5000)
    {
        var low = dice.Between(1, max / 2);
        return $"{low}{to}{low + dice.Between(1, max / 2)}{unit}";
    }

    private static string Phone(Dice dice) => dice.Below(3) switch
    {
        0 => $"95{dice.Below(1000):000}",
        1 => $"400-{dice.Between(100, 999)}-{dice.Below(10000):0000}",
        _ => $"0{dice.Between(10, 999)}-{dice.Between(2000, 8999)}{dice.Below(10000):0000}",
    };

    private static string Hours(Dice dice, string to) =>
        $"{dice.Between(7, 11)}:{dice.Below(12) * 5:00}{to}{dice.Between(15, 22)}:{dice.Below(12) * 5:00}";

    private static string Ordinal(int n) => n + ((n % 10, n / 10) switch
    {
        (1, not 1) => "st",
        (2, not 1) => "nd",
        (3, not 1) => "rd",
        _ => "th",
    });
}
