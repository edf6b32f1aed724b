// A budget for the resource group: tells by e-mail, and stops nothing. Not through the action group: budgets call only those
// whose receivers take another schema than the common one, which ours take.
//
// Azure takes no other start for a budget that exists, and only the first day of a month for a new one. So the start is part of
// the name: whoever gives another one gets another budget, and deletes the old one.

@description('Name of the environment; part of the budget\'s name.')
param environmentName string

@description('Amount of a month, in the currency of the bill.')
param monthlyBudget int

@description('First day of the month in which the budget begins, as in 2027-01-01.')
param budgetStart string

@description('E-mail address that is told.')
param alertEmail string

var told = {
  enabled: true
  operator: 'GreaterThan'
  contactEmails: [
    alertEmail
  ]
}

resource budget 'Microsoft.Consumption/budgets@2021-10-01' = {
  name: 'budget-${environmentName}-${budgetStart}'
  properties: {
    category: 'Cost'
    amount: monthlyBudget
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: budgetStart
    }
    notifications: {
      mostIsSpent: union(told, {
        threshold: 80
        thresholdType: 'Actual'
      })
      allIsSpent: union(told, {
        threshold: 100
        thresholdType: 'Actual'
      })
      moreIsForeseen: union(told, {
        threshold: 110
        thresholdType: 'Forecasted'
      })
    }
  }
}
