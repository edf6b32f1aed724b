// A budget for the resource group: tells by e-mail, and stops nothing.
//
// Azure takes no other start for a budget that exists, and only the first day of a month for a new one. So the start is part of
// the name: whoever gives another one gets another budget, and deletes the old one.

@description('Name of the environment; part of the budget\'s name.')
param environmentName string

@description('Amount of a month, in the currency of the bill.')
param monthlyBudget int

@description('First day of the month in which the budget begins, as in 2027-01-01.')
param budgetStart string

@description('Name of the action group that is told.')
param actionGroupName string

@description('E-mail address that is told.')
param alertEmail string

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' existing = {
  name: actionGroupName
}

var told = {
  enabled: true
  operator: 'GreaterThan'
  contactEmails: [
    alertEmail
  ]
  contactGroups: [
    actionGroup.id
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
